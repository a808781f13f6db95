/**
 * Constants of the frontend/backend protocol, versions 3.0 and 3.2.
 * Follows src/include/libpq/{protocol,pqcomm}.h (PostgreSQL 18).
 */
const ch = (s: string): number => s.charCodeAt(0);

/** Messages of the frontend, by first byte. */
export const PqMsg_Bind = ch("B");
export const PqMsg_Close = ch("C");
export const PqMsg_Describe = ch("D");
export const PqMsg_Execute = ch("E");
export const PqMsg_FunctionCall = ch("F");
export const PqMsg_Flush = ch("H");
export const PqMsg_Parse = ch("P");
export const PqMsg_Query = ch("Q");
export const PqMsg_Sync = ch("S");
export const PqMsg_Terminate = ch("X");
export const PqMsg_CopyFail = ch("f");
export const PqMsg_PasswordMessage = ch("p");

/** Messages of the backend. */
export const PqMsg_ParseComplete = ch("1");
export const PqMsg_BindComplete = ch("2");
export const PqMsg_CloseComplete = ch("3");
export const PqMsg_NotificationResponse = ch("A");
export const PqMsg_CommandComplete = ch("C");
export const PqMsg_DataRow = ch("D");
export const PqMsg_ErrorResponse = ch("E");
export const PqMsg_CopyInResponse = ch("G");
export const PqMsg_CopyOutResponse = ch("H");
export const PqMsg_EmptyQueryResponse = ch("I");
export const PqMsg_BackendKeyData = ch("K");
export const PqMsg_NoticeResponse = ch("N");
export const PqMsg_AuthenticationRequest = ch("R");
export const PqMsg_ParameterStatus = ch("S");
export const PqMsg_RowDescription = ch("T");
export const PqMsg_ReadyForQuery = ch("Z");
export const PqMsg_NoData = ch("n");
export const PqMsg_PortalSuspended = ch("s");
export const PqMsg_ParameterDescription = ch("t");
export const PqMsg_NegotiateProtocolVersion = ch("v");

/** Both directions. */
export const PqMsg_CopyDone = ch("c");
export const PqMsg_CopyData = ch("d");

export const PG_PROTOCOL_EARLIEST = 3 << 16;
export const PG_PROTOCOL_LATEST = (3 << 16) | 2;
export const CANCEL_REQUEST_CODE = (1234 << 16) | 5678;
export const NEGOTIATE_SSL_CODE = (1234 << 16) | 5679;
export const NEGOTIATE_GSS_CODE = (1234 << 16) | 5680;

export const AUTH_REQ_OK = 0;
export const AUTH_REQ_PASSWORD = 3;
export const AUTH_REQ_MD5 = 5;
export const AUTH_REQ_SASL = 10;
export const AUTH_REQ_SASL_CONT = 11;
export const AUTH_REQ_SASL_FIN = 12;

/** Longest startup packet that is read. */
export const MAX_STARTUP_PACKET_LENGTH = 10000;
/** Longest message of small kinds (Sync, Flush, Execute …), and of Query, Parse, Bind, CopyData. */
export const PQ_SMALL_MESSAGE_LIMIT = 10000;
export const PQ_LARGE_MESSAGE_LIMIT = 0x3fffffff - 1;

/** Numbers that only the transaction manager and its hooks use. */
/** Counts the subtransactions of one top-level transaction; 1 is the top itself, 0 none. */
export type SubTransactionId = number;
export const InvalidSubTransactionId: SubTransactionId = 0;
export const TopSubTransactionId: SubTransactionId = 1;

/** What an administrator can be told about; the text is complete. */
export class InitdbError extends Error {
  override name = "InitdbError";
}

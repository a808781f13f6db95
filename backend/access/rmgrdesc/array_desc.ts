/** Lists in record descriptions: `[1, 2]`. Follows src/backend/access/rmgrdesc/rmgrdesc_utils.c. */
export function arrayDesc<T>(items: readonly T[], each: (item: T) => string): string {
  return `[${items.map(each).join(", ")}]`;
}

/** A constant of the API in words: `CREATION_IN_PROGRESS` is "Creation in progress". */
export function words(constant: string): string {
  const lower = constant.toLowerCase().replaceAll('_', ' ');
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

// Texts as the API carries them.

/** A text, UTF-8 in base64. */
export function encoded(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The text of UTF-8 in base64. */
export function decoded(data: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(data), (one) => one.charCodeAt(0)));
}

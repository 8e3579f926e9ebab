/** Saves a document as a file of the person's machine. */
export function download(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // Only after the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

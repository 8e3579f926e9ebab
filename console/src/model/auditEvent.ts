// Events of the audit trail.

/** Why a call was refused; undefined: it was not. */
export function errorOf(record: string): string | undefined {
  try {
    const { errorCode } = JSON.parse(record) as { errorCode?: unknown };
    return typeof errorCode === 'string' ? errorCode : undefined;
  } catch {
    return undefined;
  }
}

// Errors of the server, in its own form.

/** What went wrong with a call. */
export class ApiError extends Error {
  constructor(
    /** The sentence of the server. */
    message: string,
    /** The HTTP status; 0: the server did not answer. */
    readonly status: number,
    /** The error's name, as in `x-amzn-ErrorType`. */
    readonly code: string,
    /** The member of the request that is wrong. */
    readonly attribute?: string,
    /** The id of the request, for the server's log. */
    readonly requestId?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** The server could not be reached. */
  static unreachable(cause: unknown): ApiError {
    if (cause instanceof DOMException && cause.name === 'AbortError') return new ApiError('', 0, 'Aborted');
    return new ApiError(cause instanceof Error ? cause.message : String(cause), 0, 'Unreachable');
  }

  /** Whether the principal may not do this. CloudTrail and CloudWatch Logs say it with the status 400. */
  get isRefused(): boolean {
    return this.status === 403 || this.code.startsWith('AccessDenied');
  }

  /** Whether the server did not answer, or could not; trying again may help. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.code === 'ThrottlingException';
  }
}

/** The error of an answer. */
export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  const headers = response.headers;
  const requestId = headers.get('x-amzn-requestid') ?? headers.get('x-amzn-request-id') ?? undefined;
  let code = headers.get('x-amzn-errortype')?.split(':')[0] ?? '';
  let message = '';
  let attribute: string | undefined;
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    message = String(body['message'] ?? body['Message'] ?? '');
    code ||=
      String(body['__type'] ?? '')
        .split('#')
        .pop() ?? '';
    if (typeof body['errorAttribute'] === 'string') attribute = body['errorAttribute'];
  } catch {
    const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
    message = unescaped(element('Message') ?? '');
    code ||= element('Code') ?? '';
  }
  message ||= response.statusText || `HTTP ${response.status}`;
  return new ApiError(message, response.status, code || 'UnknownError', attribute, requestId);
}

function unescaped(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|#39|amp);/g, (_, name: string) => entities[name] ?? '');
}

// The services without paths: IAM and STS in the query protocol, CloudTrail, CloudWatch Logs and CloudWatch in JSON.
import { checked, regionHeaders } from './client';
import { ApiError } from './errors';

async function post(service: string, contentType: string, body: string, target?: string): Promise<Response> {
  const headers: Record<string, string> = {
    ...regionHeaders(),
    'x-brokerd-service': service,
    'content-type': contentType,
  };
  if (target) headers['x-amz-target'] = target;
  let response: Response;
  try {
    response = await fetch('/', { method: 'POST', headers, body, credentials: 'same-origin' });
  } catch (error) {
    throw ApiError.unreachable(error);
  }
  return checked(response);
}

/** The parameters of a query call: lists become `Name.member.1`. */
export type QueryParameters = { [name: string]: string | number | boolean | string[] | undefined };

/** Calls IAM or STS and gives the element of the result, as a document. */
export async function query(
  service: 'iam' | 'sts',
  action: string,
  parameters: QueryParameters = {},
): Promise<Element> {
  const form = new URLSearchParams({ Action: action, Version: service === 'iam' ? '2010-05-08' : '2011-06-15' });
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) value.forEach((one, at) => form.set(`${name}.member.${at + 1}`, one));
    else if (value !== undefined) form.set(name, String(value));
  }
  const type = 'application/x-www-form-urlencoded; charset=utf-8';
  const response = await post(service, type, form.toString());
  const document = new DOMParser().parseFromString(await response.text(), 'application/xml');
  return document.querySelector(`${action}Result`) ?? document.documentElement;
}

const TARGETS = {
  cloudtrail: ['application/x-amz-json-1.1', 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101'],
  logs: ['application/x-amz-json-1.1', 'Logs_20140328'],
  monitoring: ['application/x-amz-json-1.0', 'GraniteServiceVersion20100801'],
} as const;

/** Calls CloudTrail, CloudWatch Logs or CloudWatch. */
export async function target<T>(service: keyof typeof TARGETS, operation: string, body: unknown = {}): Promise<T> {
  const [type, prefix] = TARGETS[service];
  const response = await post(service, type, JSON.stringify(body), `${prefix}.${operation}`);
  const text = await response.text();
  return (text ? JSON.parse(text) : {}) as T;
}

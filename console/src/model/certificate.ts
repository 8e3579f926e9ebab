// What operators want to know of a certificate, read from its PEM. It is not verified.

export interface Certificate {
  /** The common name of whom it is for. */
  subject: string;
  notBefore: Date;
  notAfter: Date;
  /** Its bytes, for its fingerprint. */
  der: Uint8Array<ArrayBuffer>;
  pem: string;
}

/** The certificates of a file, in its order. What can't be read is left out. */
export function certificatesIn(pem: string): Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [certificateOf(block)];
    } catch {
      return [];
    }
  });
}

interface Element {
  tag: number;
  content: Uint8Array;
}

const CONTEXT_0 = 0xa0;
const UTC_TIME = 0x17;
/** 2.5.4.3, as X.690 encodes it. */
const COMMON_NAME = '85,4,3';

function certificateOf(pem: string): Certificate {
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, '');
  const der = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  // RFC 5280, section 4.1: Certificate is a sequence that begins with TBSCertificate.
  const fields = elements(at(elements(at(elements(der), 0).content), 0).content);
  // version [0], serialNumber, signature, issuer, validity, subject
  const first = at(fields, 0).tag === CONTEXT_0 ? 1 : 0;
  const [notBefore, notAfter] = elements(at(fields, first + 3).content).map(timeOf);
  if (!notBefore || !notAfter) throw new Error('no validity');
  return { subject: commonName(at(fields, first + 4).content), notBefore, notAfter, der, pem: `${pem}\n` };
}

/** The elements of a sequence or set. Lengths of more than four bytes do not occur in certificates. */
function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let from = 0; from < bytes.length;) {
    const tag = byte(bytes, from);
    let length = byte(bytes, from + 1);
    let start = from + 2;
    if (length & 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) throw new Error('no such length');
      length = 0;
      for (let more = 0; more < count; more += 1) length = length * 256 + byte(bytes, start + more);
      start += count;
    }
    if (start + length > bytes.length) throw new Error('cut off');
    found.push({ tag, content: bytes.subarray(start, start + length) });
    from = start + length;
  }
  return found;
}

function byte(bytes: Uint8Array, at: number): number {
  const value = bytes[at];
  if (value === undefined) throw new Error('cut off');
  return value;
}

function at(all: Element[], index: number): Element {
  const found = all[index];
  if (!found) throw new Error('missing');
  return found;
}

/** UTCTime and GeneralizedTime of RFC 5280, section 4.1.2.5: always with seconds, in UTC. */
function timeOf({ tag, content }: Element): Date {
  const digits = new TextDecoder().decode(content);
  const century = Number(digits.slice(0, 2)) < 50 ? '20' : '19';
  const full = tag === UTC_TIME ? century + digits : digits;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  if (!parts) throw new Error('no time');
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

/** The common name in a Name; the empty text: it has none. */
function commonName(name: Uint8Array): string {
  for (const set of elements(name)) {
    for (const attribute of elements(set.content)) {
      const [kind, value] = elements(attribute.content);
      if (kind && value && [...kind.content].join() === COMMON_NAME) return new TextDecoder().decode(value.content);
    }
  }
  return '';
}

/** Its SHA-256 as openssl writes it; `undefined` where the page is not in a secure context. */
export async function fingerprint({ der }: Certificate): Promise<string | undefined> {
  if (!globalThis.crypto?.subtle) return undefined;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', der));
  return [...hash].map((value) => value.toString(16).toUpperCase().padStart(2, '0')).join(':');
}

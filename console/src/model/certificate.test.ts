import assert from 'node:assert/strict';
import test from 'node:test';
import { certificatesIn, fingerprint } from './certificate';

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/O=brokerd/CN=brokerd CA"
const FIRST = `-----BEGIN CERTIFICATE-----
MIIBpDCCAUmgAwIBAgIUHba7pGbOwUXbJyUbWIj9nLoO1ZMwCgYIKoZIzj0EAwIw
JzEQMA4GA1UECgwHYnJva2VyZDETMBEGA1UEAwwKYnJva2VyZCBDQTAeFw0yNjEx
MjkwODI3MDhaFw0zNjExMjYwODI3MDhaMCcxEDAOBgNVBAoMB2Jyb2tlcmQxEzAR
BgNVBAMMCmJyb2tlcmQgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARUXAb4
cgdJxMfrZjfaB4bELnD+LzvxUE1WfwgK3kqtppufSNc3zbKLsIzCwACaCuH0s0Nh
c+oIIDS5V5efzeYIo1MwUTAdBgNVHQ4EFgQUnfRrrgGy89A+cE3pk41og2JWH2Iw
HwYDVR0jBBgwFoAUnfRrrgGy89A+cE3pk41og2JWH2IwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEAyKwj0ib/1sTjctF2hLYpz5vSVYiFvFzvlToG
PYTDuMICIQC5zu4w5vvdqL7p2Ivt6RtdwFxu+hiUnNdXPNohz/Ha+g==
-----END CERTIFICATE-----`;
// The same for 9999 days, whose end is a GeneralizedTime, without an organization.
const SECOND = `-----BEGIN CERTIFICATE-----
MIIBhDCCASugAwIBAgIUYUVrvhuSP6+KeA8+Hk0HJZ39NPswCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMYnJva2VyZCBDQSAyMCAXDTI2MTEyOTA4MjcwOFoYDzIwNTQw
NDE1MDgyNzA4WjAXMRUwEwYDVQQDDAxicm9rZXJkIENBIDIwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASOWxidxQ7JU/FrCTA37WlK/Q+Lb5vyoZagFRPtci94N8jE
dwkragXtnl3wveIt4We0AbGHT3WMDlQLTsSTyPZ8o1MwUTAdBgNVHQ4EFgQUHqgj
RTNj39ep2oczYd7n3EhzkPcwHwYDVR0jBBgwFoAUHqgjRTNj39ep2oczYd7n3Ehz
kPcwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBc0ib9My8xq//1
QZJcjljOqcQ1a2cK5EJ+04SY9UgYTwIgb81gKyz6caX4Frd/YoFPH4iAuyDyoJS0
x/ikQCb3N9s=
-----END CERTIFICATE-----`;

test('the certificates of a file are read in its order', () => {
  const [first, second, ...others] = certificatesIn(`# issued now\n${FIRST}\n\n${SECOND}\n`);
  assert.deepEqual(others, []);
  assert.equal(first?.subject, 'brokerd CA');
  assert.equal(first.notBefore.toISOString(), '2026-11-29T08:27:08.000Z');
  assert.equal(first.notAfter.toISOString(), '2036-11-26T08:27:08.000Z');
  assert.equal(first.pem, `${FIRST}\n`);
  assert.equal(second?.subject, 'brokerd CA 2');
  assert.equal(second.notAfter.toISOString(), '2054-04-15T08:27:08.000Z');
});

test('the fingerprint is that of openssl', async () => {
  const [first] = certificatesIn(FIRST);
  assert.ok(first);
  assert.equal(
    await fingerprint(first),
    '56:B2:D9:BE:46:CC:D9:5A:BD:47:75:A7:98:9E:7B:D2:BE:01:03:C3:AD:C6:50:D9:F6:25:D4:78:BB:B3:5B:E4',
  );
});

test('what is no certificate is left out', () => {
  assert.deepEqual(certificatesIn(''), []);
  const lines = FIRST.split('\n');
  for (let missing = 1; missing < lines.length - 1; missing += 1) {
    const broken = lines.filter((_, at) => at !== missing).join('\n');
    assert.ok(certificatesIn(broken).length <= 1);
  }
  const block = (base64: string) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`;
  for (const base64 of ['', '!!!!', btoa('0'), btoa('0\x80'), btoa('0\x84\xff\xff\xff\xff'), btoa('hello')]) {
    assert.deepEqual(certificatesIn(block(base64)), [], base64);
  }
});

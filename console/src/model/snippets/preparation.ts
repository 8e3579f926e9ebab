// What has to be there before any of the programs runs: the certificates, and the password in the environment.
import {
  CA_FILE,
  KEY_STORE,
  KEY_STORE_PASSWORD,
  lines,
  PASSWORD_VARIABLE,
  type Snippet,
  type Target,
  word,
} from './types';

/** Commands that fetch the certificates, and put the password where no file holds it. */
export function preparation(target: Target, snippet: Snippet): string {
  const keyStore = snippet.needsKeyStore
    ? `keytool -importcert -noprompt -alias brokerd -file ${CA_FILE} \\
  -keystore ${KEY_STORE} -storetype PKCS12 -storepass ${KEY_STORE_PASSWORD}\n`
    : '';
  return lines(`
curl -fsS -o ${CA_FILE} ${word(target.authorityUrl)}
${keyStore}export ${PASSWORD_VARIABLE}='the password of ${target.username.replaceAll("'", "'\\''")}'
`);
}

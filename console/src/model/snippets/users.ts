// Users of RabbitMQ by its management API.
import { CA_FILE, lines, PASSWORD_VARIABLE, word } from './types';

/** Commands that make a user who may do everything in the virtual host `/`. */
export function userCommand(consoleUrl: string): string {
  return lines(`
rabbit() {
  curl -fsS --cacert ${CA_FILE} -u admin:"$${PASSWORD_VARIABLE}" -H content-type:application/json \\
    -X PUT ${word(`${consoleUrl}/api`)}/"$1" -d "$2"
}
rabbit users/carol '{"password": "another-good-password", "tags": ""}'
rabbit permissions/%2F/carol '{"configure": ".*", "write": ".*", "read": ".*"}'
`);
}

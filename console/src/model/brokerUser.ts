// What a form of a user begins with, and what it changes.
import type { Schemas } from '../api/client';
import { names } from './credentials';

/** What can be seen of a user, and changed. */
export interface UserValues {
  groups: string[];
  consoleAccess: boolean;
}

/** The user as it will be after the next reboot, which is what a further change starts from. */
export function afterReboot(user: Schemas['DescribeUserResponse']): UserValues {
  const { groups, consoleAccess } = user.pending ?? user;
  return { groups: [...groups].sort(), consoleAccess };
}

/** Whether two readings of a user are the same. Passwords can't be compared: nobody can read them. */
export const isSame = (one: UserValues, other: UserValues): boolean =>
  one.consoleAccess === other.consoleAccess && one.groups.join() === other.groups.join();

interface Entered {
  password: string;
  groups: string;
  consoleAccess: boolean;
}

/** Only what differs from `base`: absent members of UpdateUser stay as they are. */
export function changesOf(base: UserValues, entered: Entered): Schemas['UpdateUserRequest'] {
  const groups = names(entered.groups);
  return {
    ...(entered.password ? { password: entered.password } : {}),
    ...(groups.join() === base.groups.join() ? {} : { groups }),
    ...(entered.consoleAccess === base.consoleAccess ? {} : { consoleAccess: entered.consoleAccess }),
  };
}

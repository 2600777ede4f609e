import type { Users } from '../areas/users.ts';
import { newSecret } from '../lib/ids.ts';

/** A token with which the first admin can be made, once. */
export function createSetup() {
  let token: string | undefined;
  return {
    /** A token, unless there is an admin already or the password of the first is given. */
    async offer(users: Users, adminPassword: string | undefined): Promise<string | undefined> {
      if (await users.any()) return undefined;
      if (adminPassword === undefined) token = newSecret();
      else await users.create({ username: 'admin', password: adminPassword, role: 'admin' }, 'setup:password');
      return token;
    },
    fits: (other: string): boolean => other === token,
    end(): void {
      token = undefined;
    },
  };
}
export type Setup = ReturnType<typeof createSetup>;

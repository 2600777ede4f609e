import { newSecret } from '../lib/ids.ts';

/** A token with which the first admin can be made, once. */
export function createSetup() {
  let token: string | undefined;
  return {
    offer(): string {
      token = newSecret();
      return token;
    },
    fits: (other: string): boolean => other === token,
    end(): void {
      token = undefined;
    },
  };
}
export type Setup = ReturnType<typeof createSetup>;

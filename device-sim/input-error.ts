/** What the person who started the simulator can put right. */
export class InputError extends Error {}

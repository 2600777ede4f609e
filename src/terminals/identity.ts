/** What ids and hosts look like, in requests and in files alike. */
export const TERMINAL_ID = /^[A-Za-z0-9_-]{1,64}$/;
export const HOST = /^[A-Za-z0-9_.:-]{1,253}$/;
export const AREA_CODE = /^\d{6}(\d{3}(\d{3}(\d{3})?)?)?$/;

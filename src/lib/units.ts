/** A metric's unit is the last word of its name (`supply_c`): the suffixes that exist, and how a person writes them. */
const UNITS: Record<string, string> = {
  c: '°C',
  kw: 'kW',
  kwh: 'kWh',
  m3: 'm³',
  m3h: 'm³/h',
  bar: 'bar',
  v: 'V',
  a: 'A',
  hz: 'Hz',
  kpa: 'kPa',
  lmin: 'L/min',
  pct: '%',
  rpm: 'r/min',
  cop: '',
  pf: '',
  code: '',
  on: '',
  open: '',
  mode: '',
  low: '',
  fault: '',
  factor: '',
};

/** `supply_c` → `°C`; undefined when the last word is no unit. */
export const unitOf = (metric: string): string | undefined => UNITS[metric.slice(metric.lastIndexOf('_') + 1)];

import type { FILE_ERRORS, Words } from '../imports/errors.ts';

/** The columns of a file of terminals, and what can be wrong with a row. */

export const COLUMNS = {
  id: ['终端号'],
  profile: ['终端类型'],
  accountNo: ['户号'],
  householdId: ['住户编号'],
  areaCode: ['区域代码'],
  via: ['集中器'],
  host: ['主机'],
  port: ['端口'],
  unit: ['从站'],
  meterNo: ['表号'],
  installedAt: ['安装时间'],
} as const;
export type Column = keyof typeof COLUMNS;

export const EXAMPLES: Partial<Record<Column, string>>[] = [
  { id: 'EXAMPLE-1', profile: 'gas-boiler', accountNo: 'HH-0001', installedAt: '2026-11-01' },
  { id: 'EXAMPLE-2', profile: 'electric-heater', areaCode: '141023105201', via: 'EXAMPLE-HUB' },
  { id: 'EXAMPLE-3', profile: 'eastron-sdm120', accountNo: 'HH-0002', host: '10.0.0.5', port: '502', unit: '1' },
  { id: 'EXAMPLE-4', profile: 'dlt645-meter', accountNo: 'HH-0003', via: 'EXAMPLE-HUB', meterNo: '012345678901' },
];

export const TERMINAL_ERRORS = {
  bad_id: {
    zh: '终端号只能用字母、数字、横线和下划线，最多 64 个字符',
    en: 'Letters, digits, - and _ only, at most 64',
  },
  duplicate_id: { zh: '该终端号在文件中出现过', en: 'The file has this id already' },
  id_taken: { zh: '该终端号已被使用', en: 'This id is taken' },
  differs: { zh: '该终端已登记，但这一项与登记的不同', en: 'The terminal exists already and differs here' },
  unknown_profile: { zh: '没有这种终端类型', en: 'There is no such profile' },
  unknown_household: { zh: '没有这个住户', en: 'There is no such household' },
  two_households: { zh: '户号与住户编号不是同一户', en: 'The account number and the id name different households' },
  unknown_area: { zh: '没有这个区域代码', en: 'There is no such area' },
  unknown_via: { zh: '没有这个集中器', en: 'There is no such concentrator' },
  not_for_mqtt: { zh: 'MQTT 终端不填这一列', en: 'Not for an MQTT terminal' },
  not_for_modbus: { zh: 'Modbus 终端不填这一列', en: 'Not for a Modbus terminal' },
  only_for_meters: { zh: '只有表计填表号', en: 'Only a meter has a number' },
  not_for_meters: { zh: '表计不填这一列', en: 'Not for a meter' },
  no_meter_number: {
    zh: '表号是表上印的数字：DL/T 645 为 12 位，CJ/T 188 为 14 位，开头的 0 也要写',
    en: 'The digits printed on the meter: 12 for DL/T 645, 14 for CJ/T 188, zeros in front too',
  },
  not_claimable: {
    zh: '待认领的须是 MQTT 终端，且不填住户',
    en: 'Only an MQTT terminal without a household can wait to be claimed',
  },
  bad_host: { zh: '主机名或地址不对', en: 'Not a host name or address' },
  bad_port: { zh: '端口应为 1 到 65535', en: 'A port is 1 to 65535' },
  bad_unit: { zh: '从站号应为 1 到 247', en: 'A unit is 1 to 247' },
  line_not_set_up: { zh: '该线路须先由管理员设置', en: 'An admin has to set up this line first' },
  line_differs: { zh: '该线路上已有设置不同的终端', en: 'The line has terminals with other settings' },
  unit_taken: { zh: '该从站或表号已属于另一终端', en: 'The unit or meter is another terminal’s' },
  bad_time: { zh: '时间应如 2026-11-01 或 2026-11-01 08:30', en: 'A time is like 2026-11-01 or 2026-11-01 08:30' },
} as const satisfies Record<string, Words>;
export type TerminalErrorCode = keyof typeof TERMINAL_ERRORS | keyof typeof FILE_ERRORS;

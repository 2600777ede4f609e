import { GatewayError } from '../lib/errors.ts';

/** Why a terminal cannot be registered, changed or claimed. */
export const troubles = {
  taken: () =>
    new GatewayError('conflict', { zh: '名称或密钥与另一台终端相同', en: 'Another terminal has this name or secret' }),
  noProfile: (profile: string) =>
    new GatewayError('unknown_profile', { zh: `没有终端类型 ${profile}`, en: `There is no profile ${profile}` }),
  exists: (id: string) =>
    new GatewayError('conflict', { zh: `终端 ${id} 已经存在`, en: `Terminal ${id} exists already` }),
  goesVia: (child: string, id: string) =>
    new GatewayError('in_use', { zh: `终端 ${child} 经由 ${id} 连接`, en: `Terminal ${child} goes via ${id}` }),
  notClaimed: (id: string) =>
    new GatewayError('wrong_state', {
      zh: `终端 ${id} 认领时才归住户`,
      en: `Terminal ${id} gets its household when it is claimed`,
    }),
  wasClaimed: (id: string) =>
    new GatewayError('wrong_state', { zh: `终端 ${id} 已被认领`, en: `Terminal ${id} was claimed` }),
};

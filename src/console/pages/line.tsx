import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Card } from 'antd';
import type { LineDetail } from '../../http/schemas/modbus.ts';
import { type T, useLanguage } from '../i18n.ts';
import { type Figure, Figures } from '../parts/figures.tsx';
import { FrameTable } from '../parts/frame-table.tsx';
import { LineState, Trouble } from '../parts/line-text.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { UnitTable } from '../parts/unit-table.tsx';
import { lineQuery } from '../queries.ts';

const route = getRouteApi('/shell/lines/$id');

const figuresOf = (t: T, line: LineDetail): Figure[] => [
  { name: t('line.units'), value: line.units.length },
  {
    name: t('line.silentUnits'),
    value: line.units.filter(({ breaker }) => breaker !== 'closed').length,
    worry: true,
  },
  { name: t('line.waiting'), value: line.waiting },
  { name: t('line.requests'), value: line.requests },
  { name: t('line.connects'), value: line.connects, hint: t('line.connectsHint') },
  { name: t('line.late'), value: line.late, hint: t('line.lateHint') },
  { name: t('line.noise'), value: line.noiseBytes, hint: t('line.noiseHint') },
];

function LineDetails({ line }: { line: LineDetail }) {
  const { t } = useLanguage();
  return (
    <>
      <div className="title-line">
        <h1 className="title code">{line.id}</h1>
        <LineState isUp={line.isUp} />
        {line.echoes && <span className="quiet">{t('line.echoes')}</span>}
        <Trouble text={line.trouble} />
      </div>
      <div className="stack">
        <Card size="small">
          <Figures figures={figuresOf(t, line)} label={line.id} />
        </Card>
        <Card size="small" title={<h2>{t('line.units')}</h2>}>
          <UnitTable units={line.units} />
        </Card>
        <Card size="small" title={<h2>{t('line.frames')}</h2>}>
          <FrameTable frames={line.frames} />
        </Card>
      </div>
    </>
  );
}

export function LinePage() {
  const { id } = route.useParams();
  return <Loaded query={useQuery(lineQuery(id))}>{(line) => <LineDetails key={id} line={line} />}</Loaded>;
}

export type Figure = {
  name: string;
  value: number;
  hint?: string;
  /** Somebody should look when it is not 0. */
  worry?: boolean;
};

export function Figures({ figures, label }: { figures: Figure[]; label?: string }) {
  return (
    <dl className="figures" aria-label={label}>
      {figures.map(({ name, value, hint, worry }) => (
        <div key={name} title={hint} className="figure">
          <dt>{name}</dt>
          <dd className={worry && value > 0 ? 'figure-worry' : undefined}>{value.toLocaleString('en-US')}</dd>
        </div>
      ))}
    </dl>
  );
}

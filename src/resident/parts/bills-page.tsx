import { useState } from 'react';
import { yuan } from '../../console/money.ts';
import type { Bill, BillLine, FullBill } from '../../http/schemas/bills.ts';
import { fill, useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import { More } from './more.tsx';
import { Part } from './part.tsx';

/** What a line is: its tier and from where to where that goes, its time of the day, and why. */
function useLineWords(tariffs: FullBill['tariffs']) {
  const { texts, titleOf } = useWords();
  const { bill } = texts;
  const bands: Record<string, string> = bill.bands;
  return (line: BillLine) => {
    const { tierFrom: from, tierTo: to, unit, band, countedSince: since, version, tariff } = line;
    const title = tariffs[tariff];
    const what = [fill(bill.rules[line.rule], { tier: line.tier ?? '' })];
    if (band !== null) what.push(fill(bill.band, { band: bands[band] ?? band }));
    if (from !== null)
      what.push(to === null ? fill(bill.above, { from, unit }) : fill(bill.between, { from, to, unit }));
    const why = [fill(bill.days, { from: line.from, to: line.to })];
    if (since !== null) why.push(fill(bill.counted, { since }));
    why.push(fill(bill.version, { tariff: title ? titleOf(title) : tariff, since: version }));
    return { what: what.join(' · '), why: why.join(' · ') };
  };
}

function Remarks({ bill }: { bill: FullBill }) {
  const { bill: words } = useWords().texts;
  const { state, before, replacedBy, doubtfulDays, lateFen } = bill;
  return (
    <>
      {state === 'held' && <p className="worry">{words.held}</p>}
      {replacedBy !== null && <p className="worry">{words.replaced}</p>}
      {before !== null && (
        <p>{fill(words.difference, { before: yuan(before.totalFen), difference: yuan(before.differenceFen) })}</p>
      )}
      {lateFen !== null && <p>{fill(words.late, { late: yuan(lateFen) })}</p>}
      {doubtfulDays > 0 && <p className="quiet">{fill(words.doubtful, { n: doubtfulDays })}</p>}
    </>
  );
}

/** Line by line, so that it can be checked with a pocket calculator. */
function Lines({ bill }: { bill: FullBill }) {
  const words = useWords().texts.bill;
  const wordsOf = useLineWords(bill.tariffs);
  return (
    <>
      <Remarks bill={bill} />
      {bill.lines.length === 0 && <p className="quiet">{words.noLines}</p>}
      <ul className="lines" aria-label={words.lines}>
        {bill.lines.map((line) => {
          const { what, why } = wordsOf(line);
          return (
            <li key={[line.rule, line.tariff, line.version, line.band, line.tier, line.countedSince].join()}>
              <div className="row">
                <span>{what}</span>
                <strong>{yuan(line.amountFen)}</strong>
              </div>
              <div>{`${line.quantity} ${line.unit} × ${line.unitPrice} ${fill(words.perUnit, { unit: line.unit })}`}</div>
              <div className="quiet">{why}</div>
            </li>
          );
        })}
        <li className="row">
          <strong>{words.sum}</strong>
          <strong>{yuan(bill.totalFen)}</strong>
        </li>
      </ul>
      <p className="quiet">{words.explained}</p>
    </>
  );
}

function LoadedLines({ id }: { id: string }) {
  const bill = useLoad<FullBill>(`/bills/${id}`);
  return <Part loaded={bill}>{(full) => <Lines bill={full} />}</Part>;
}

function BillCard({ bill }: { bill: Bill }) {
  const { texts } = useWords();
  const [isOpen, setOpen] = useState(false);
  return (
    <section className="card">
      <div className="row">
        <h2>{bill.period}</h2>
        <strong className="sum">{yuan(bill.totalFen)}</strong>
      </div>
      <p className="quiet">
        {texts.bill.states[bill.state]} · {fill(texts.bill.days, { from: bill.firstDay, to: bill.lastDay })}
      </p>
      {bill.subsidyFen > 0 && (
        <p className="good">
          {texts.bill.subsidy} {yuan(-bill.subsidyFen)}
        </p>
      )}
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? texts.bills.hide : texts.bills.show}
      </button>
      {isOpen && <LoadedLines id={bill.id} />}
    </section>
  );
}

export function BillsPage({ householdId }: { householdId: string }) {
  const { texts } = useWords();
  return (
    <More<Bill> path={`/households/${householdId}/bills`} empty={texts.bills.none}>
      {(bill) => <BillCard key={bill.id} bill={bill} />}
    </More>
  );
}

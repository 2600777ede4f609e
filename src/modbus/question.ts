import { unwrapRtu, unwrapTcp, wrapRtu, wrapTcp } from '../lines/framing.ts';
import type { Question } from '../lines/question.ts';
import { answerLength, functionOf, type Request, readAnswer, requestPdu } from './codec.ts';

/** A Modbus request as a question to a line. */

/** With its request, for those who look on. */
export type ModbusQuestion = Question<number[]> & { request: Request };

export const isModbus = <T>(question: Question<T>): question is Question<T> & { request: Request } =>
  'request' in question;

export function modbusQuestion(unit: number, request: Request): ModbusQuestion {
  const pdu = requestPdu(request);
  const functionCode = functionOf(request);
  const length = answerLength(request);
  return {
    request,
    answerBytes: length + 3,
    wrap: ({ framing, transaction }) => (framing === 'tcp' ? wrapTcp(transaction, unit, pdu) : wrapRtu(unit, pdu)),
    unwrap(heard, sent, { framing, transaction, echoes, heartbeats }) {
      const expected = { unit, functionCode, length, sent, echoes, heartbeats };
      return framing === 'tcp' ? unwrapTcp(heard, expected, transaction) : unwrapRtu(heard, expected);
    },
    read: (answer) => readAnswer(request, answer),
    shape: { answer: `${functionCode} ${length}`, refusal: `${functionCode}` },
    // A write's answer is its request again.
    tellsEcho: !('values' in request),
  };
}

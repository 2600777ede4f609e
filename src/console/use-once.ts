import { useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import { useIntent } from './intent.ts';

/** Sends what must happen once, with one key for each intent, however often and fast its button is pressed. */
export function useOnce<Body, Answer>(
  send: (body: Body, key: string) => Promise<Answer>,
  onDone: (answer: Answer) => void,
) {
  const intent = useIntent();
  const underWay = useRef(false);
  const sending = useMutation({
    mutationFn: (body: Body) => send(body, intent.keyFor(body)),
    onSuccess: (answer) => {
      intent.done();
      onDone(answer);
    },
    onError: intent.failed,
    onSettled: () => {
      underWay.current = false;
    },
  });
  /** The button is disabled only once React has drawn it so; a second click can be faster than that. */
  const once = (body: Body) => {
    if (underWay.current || sending.isSuccess) return;
    underWay.current = true;
    sending.mutate(body);
  };
  return { ...sending, once };
}

import { useMutation } from '@tanstack/react-query';
import { Button } from 'antd';
import { fetchFile, type Query } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { saveFile } from '../save.ts';
import { Failure } from './failure.tsx';

const FORMATS = ['csv', 'xlsx'] as const;

/** What the page shows, with its filters, as a file. */
export function FileButtons({ path, query, name }: { path: string; query: Query; name: string }) {
  const { t, language } = useLanguage();
  const save = useMutation({
    mutationFn: async (format: (typeof FORMATS)[number]) =>
      saveFile(await fetchFile('GET', path, { ...query, format, lang: language }), `${name}.${format}`),
  });
  return (
    <span className="buttons">
      {FORMATS.map((format) => (
        <Button key={format} loading={save.isPending && save.variables === format} onClick={() => save.mutate(format)}>
          {t('arrears.save', { format: format.toUpperCase() })}
        </Button>
      ))}
      {save.error && <Failure error={save.error} />}
    </span>
  );
}

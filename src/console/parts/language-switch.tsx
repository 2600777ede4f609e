import { Button } from 'antd';
import { changeLanguage, useLanguage } from '../i18n.ts';

/** Named in the language that it leads to, for those who cannot read the present one. */
export function LanguageSwitch() {
  const { language } = useLanguage();
  const other = language === 'zh' ? 'en' : 'zh';
  return (
    <Button type="text" lang={other === 'zh' ? 'zh-CN' : 'en'} onClick={() => void changeLanguage(other)}>
      {other === 'zh' ? '中文' : 'English'}
    </Button>
  );
}

import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { App as AntdApp, ConfigProvider, type ThemeConfig } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { useLanguage } from './i18n.ts';
import { router } from './routes.tsx';
import { useStillness } from './use-media.ts';

const themeOf = (still: boolean): ThemeConfig => ({
  token: {
    motion: !still,
    colorPrimary: '#b5472f',
    colorLink: '#a03c26',
    colorInfo: '#1f6feb',
    // The defaults for words that explain, and for what is grave, are too pale to read in daylight.
    colorError: '#c4201c',
    colorTextPlaceholder: '#6b6b6b',
    colorTextTertiary: '#5c5c5c',
    colorTextDescription: '#5c5c5c',
    borderRadius: 6,
    fontFamily: '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", system-ui, sans-serif',
  },
});

export function App({ client }: { client: QueryClient }) {
  const { language } = useLanguage();
  const still = useStillness();
  return (
    <ConfigProvider
      locale={language === 'zh' ? zhCN : enUS}
      theme={themeOf(still)}
      // The space that antd puts between two Chinese characters would be part of the button's name.
      button={{ autoInsertSpace: false }}
    >
      <AntdApp>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </AntdApp>
    </ConfigProvider>
  );
}

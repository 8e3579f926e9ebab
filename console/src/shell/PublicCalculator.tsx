// The calculator for whoever has no account.
import AppLayout from '@cloudscape-design/components/app-layout';
import { Suspense } from 'react';
import { Loading } from '../shared/Loading';
import { text } from '../text';
import { Calculator } from './routes';

export function PublicCalculator() {
  return (
    <AppLayout
      navigationHide
      toolsHide
      ariaLabels={{ notifications: text.shell.notifications }}
      content={
        <Suspense fallback={<Loading />}>
          <Calculator />
        </Suspense>
      }
    />
  );
}

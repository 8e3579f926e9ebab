// Creating a broker, in the service's own steps.
import Alert from '@cloudscape-design/components/alert';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { Loading } from '../../shared/Loading';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import { useInstanceOptions } from './catalogue';
import { CreateWizard } from './CreateWizard';

export default function Page() {
  const options = useInstanceOptions();
  if (options.data && options.data.length > 0) return <CreateWizard options={options.data} />;
  return (
    <SpaceBetween size="l">
      <Header variant="h1">{text.create.title}</Header>
      {options.isPending ? <Loading /> : null}
      {options.isError ? <Problem error={options.error} onRetry={() => void options.refetch()} /> : null}
      {options.data ? (
        <Alert type="info" header={text.create.nothingOffered}>
          {text.create.nothingOfferedHelp}
        </Alert>
      ) : null}
    </SpaceBetween>
  );
}

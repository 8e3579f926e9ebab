// Step 3: everything else.
import Alert from '@cloudscape-design/components/alert';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { hasField } from '../../model/create/problems';
import { Configuration } from './Configuration';
import { Details } from './Details';
import { useForm } from './form';
import { Logs } from './Logs';
import { Maintenance } from './Maintenance';
import { Network } from './Network';
import { Tags } from './Tags';
import { Users } from './Users';

export function Settings() {
  const { shown } = useForm();
  const others = shown.filter((problem) => !hasField(problem));
  return (
    <SpaceBetween size="l">
      {others.map(({ attribute, message }) => (
        <Alert key={attribute + message} type="error">
          {message}
        </Alert>
      ))}
      <Details />
      <Users />
      <Configuration />
      <Logs />
      <Network />
      <Maintenance />
      <Tags />
    </SpaceBetween>
  );
}

import Header from '@cloudscape-design/components/header';
import { text } from '../../text';

export default function Page() {
  return <Header variant="h1">{text.broker.title}</Header>;
}

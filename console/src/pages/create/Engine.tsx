// Step 1: the engine.
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Tiles from '@cloudscape-design/components/tiles';
import type { Engine as EngineType } from '../../model/create/draft';
import { engines } from '../../model/create/options';
import { text } from '../../text';
import { useEngineTypes } from './catalogue';
import { Field, useForm } from './form';
import { ActiveMqPicture, RabbitMqPicture } from './pictures';

const PICTURES = { ACTIVEMQ: <ActiveMqPicture />, RABBITMQ: <RabbitMqPicture /> };

export function Engine() {
  const { draft, change, options } = useForm();
  const types = useEngineTypes();
  const described = (engine: EngineType) => {
    const offered = types.data?.find(({ engineType }) => engineType === engine)?.engineVersions ?? [];
    const versions = offered.map(({ name }) => name).join(', ');
    const description = text.create.engineDescriptions[engine];
    return versions ? `${description} ${text.create.versionsOffered(versions)}.` : description;
  };
  return (
    <Container
      header={
        <Header variant="h2" description={text.create.engineHelp}>
          {text.create.engine}
        </Header>
      }
    >
      <Field attribute="engineType" stretch>
        <Tiles
          ariaLabel={text.create.engine}
          value={draft.engineType}
          ariaRequired
          onChange={({ detail }) => change({ engineType: detail.value as EngineType })}
          columns={2}
          items={engines(options).map((engine) => ({
            value: engine,
            label: text.create.engines[engine],
            description: described(engine),
            image: PICTURES[engine],
          }))}
        />
      </Field>
    </Container>
  );
}

"""The service's model as botocore ships it, on standard output."""
import json
import sys

import botocore.loaders

json.dump(botocore.loaders.Loader().load_service_model("mq", "service-2"), sys.stdout)

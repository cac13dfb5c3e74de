"""Uses keys in two regions and prints how each use ends, as JSON.

Arguments: the endpoint. There is a key of both regions, one that is disabled and one that waits for its deletion.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError


def main(endpoint):
    def kms(region):
        return boto3.client("kms", endpoint_url=endpoint, region_name=region)

    ends = {}

    def use(name, call, **parameters):
        try:
            answer = call(**parameters)
            ends[name] = "done"
            return answer
        except ClientError as error:
            ends[name] = error.response["Error"]["Code"]
            return None

    here, there = kms("us-east-1"), kms("eu-west-1")
    context = {"backup": "one", "store": "two"}
    key = "alias/backups"
    made = use("generate", here.generate_data_key, KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    sealed = {"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context}
    opened = use("open here", here.decrypt, **sealed)
    assert opened["Plaintext"] == made["Plaintext"]
    opened = use("open in the other region", there.decrypt, **sealed)
    assert opened["Plaintext"] == made["Plaintext"]
    again = here.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert again["Plaintext"] != made["Plaintext"]
    use("another context", here.decrypt, CiphertextBlob=made["CiphertextBlob"])
    use("another key", here.decrypt, KeyId="disabled", **sealed)
    use("no ciphertext", here.decrypt, CiphertextBlob=b"nothing")
    use("no key", here.describe_key, KeyId="alias/none")
    use("a key of another region", there.describe_key, KeyId="disabled")
    use("disabled", here.encrypt, KeyId="disabled", Plaintext=b"x")
    use("being deleted", here.encrypt, KeyId="going", Plaintext=b"x")
    told = there.describe_key(KeyId=opened["KeyId"])["KeyMetadata"]["MultiRegionConfiguration"]
    ends["type there"] = told["MultiRegionKeyType"]
    ends["primary"] = told["PrimaryKey"]["Region"]
    ends["going at"] = str(here.describe_key(KeyId="going")["KeyMetadata"]["DeletionDate"].timestamp())
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""An S3 server with a bucket."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.containers import Container, container, free_port


@dataclass(frozen=True)
class S3:
    """An S3 server with an empty bucket."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    region: str
    container: Container

    def client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    def environment(self) -> dict[str, str]:
        return {
            "S3_ENDPOINT": self.endpoint,
            "S3_PUBLIC_ENDPOINT": self.endpoint,
            "S3_BUCKET": self.bucket,
            "S3_REGION": self.region,
            "S3_ACCESS_KEY": self.access_key,
            "S3_SECRET_KEY": self.secret_key,
        }


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    port = free_port()
    access_key, secret_key = "tests", secrets.token_urlsafe(24)
    with container(
        "object-storage",
        ports={7070: port},
        environment={
            "VGW_BACKEND": "posix",
            "VGW_BACKEND_ARGS": "/mnt/data",
            "VGW_PORT": ":7070",
            "ROOT_ACCESS_KEY_ID": access_key,
            "ROOT_SECRET_ACCESS_KEY": secret_key,
        },
    ) as server:
        found = S3(
            f"http://127.0.0.1:{port}", access_key, secret_key, "tu-images", "us-east-1", server
        )
        client = found.client()
        server.wait("the S3 server answers", client.list_buckets)
        client.create_bucket(Bucket=found.bucket)
        yield found

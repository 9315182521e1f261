# SPDX-License-Identifier: Apache-2.0
# The last stage, which `docker build .` makes, is the service and its sync companion. `--target sandbox` makes the
# stand-in for Jumio that compose.yaml runs beside them.

FROM python:3.11.14-slim-bookworm AS python
# The image comes without the standard library's bytecode, and a read-only container can never write it: every start
# would compile 170 modules anew, for half a second. Unchecked, because the files here never change.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      -x '/(site-packages|test|idlelib|lib2to3|turtledemo|ensurepip)/' /usr/local/lib/python3.11

FROM python AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Dependencies first: this layer changes only with the lock.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv --without-pip /opt/jumio-webhook \
 && python -m pip --python /opt/jumio-webhook/bin/python install --no-compile --only-binary :all: \
      --require-hashes -r requirements.lock \
 && python -m pip install --require-hashes -r requirements-build.lock
# One by one: pyproject.toml would pack the sandbox too, were it here.
COPY pyproject.toml README.md LICENSE ory-actions.yaml ory-actions-step-up.yaml ./
COPY jsonnet ./jsonnet
COPY webhook ./webhook
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && python -m pip --python /opt/jumio-webhook/bin/python install --no-compile --no-deps --no-index /wheel/*.whl \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/jumio-webhook/lib

FROM python AS runtime
ENV PATH=/opt/jumio-webhook/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# Owned by root, so the user below can read the code and change none of it.
COPY --from=build /opt/jumio-webhook /opt/jumio-webhook
# A .env file, where one is used, is mounted here.
WORKDIR /srv
USER 10001:10001
STOPSIGNAL SIGTERM

FROM runtime AS sandbox
COPY sandbox ./sandbox
EXPOSE 8080
ENTRYPOINT ["python", "-m", "sandbox"]

FROM runtime
LABEL org.opencontainers.image.title="jumio-webhook" \
      org.opencontainers.image.description="Identity verification for Ory Kratos with Jumio" \
      org.opencontainers.image.licenses="Apache-2.0"
EXPOSE 3000
# http.client, unlike urllib, asks no proxy of the environment for its own loopback address.
HEALTHCHECK --interval=5s --timeout=3s --retries=3 \
  CMD ["python", "-I", "-S", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 3000), timeout=2); c.request('GET', '/health/alive'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["jumio-webhook"]
CMD ["serve"]

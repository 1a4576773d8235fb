# syntax=docker/dockerfile:1
# One image for the three kinds of process of a cluster, and for embedded mode. What you read in the repository is what
# runs: Node strips the types, nothing is compiled.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /sluice
# `node` from npm, which brings the right Node to a developer's machine, is what the base image is for here.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node node_modules/node-bin-* node_modules/.bin/node

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    SLUICE_DATA_DIR=/data
WORKDIR /sluice
COPY --from=dependencies /sluice/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY cli cli
COPY core core
COPY plugins plugins
COPY admin-api admin-api
COPY processes processes
COPY configs configs
COPY deploy/compose deploy/compose
COPY docker-compose.yml ./
# Sources are owned by root and read-only to who runs them. What Node makes of them is kept in the image, so that the
# first start of each container is as quick as the later ones.
RUN mkdir /data \
 && node bin/sluice.js --version \
 && chown node:node /data
USER node
VOLUME /data
EXPOSE 2525 2587 2465 8080 9464
# A process of each kind answers there; the API's own port says the same.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "deploy/compose/healthy.js"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "bin/sluice.js"]
CMD ["start", "all"]

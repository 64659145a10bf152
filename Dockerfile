# weightmark in a container: no shell of its own is needed, nothing is written but the cache, nobody is root.
FROM node:22-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# No dependency needs an install script; our own `prepare` would build before the sources are here.
RUN npm ci --ignore-scripts
COPY . .
# Drivers of the database are optional peers; the image works with one, and takes the versions of the lock file.
RUN npm run build && npm prune --omit=dev --ignore-scripts && npm install --no-save --omit=dev --ignore-scripts \
  $(node -p "['pg', 'pg-boss'].map((n) => n + '@' + require('./package-lock.json').packages['node_modules/' + n].version).join(' ')")

FROM node:22-slim
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY --from=build /src/schemas ./schemas
COPY --from=build /src/bin ./bin
RUN mkdir /cache && chown node:node /cache
USER node
ENV NODE_ENV=production XDG_CACHE_HOME=/cache
ENTRYPOINT ["node", "/app/bin/weightmark.js"]
CMD ["--help"]

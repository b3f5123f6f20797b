# One image for web and workers; the command says which.
FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /anneal
COPY requirements.txt ./
RUN pip install torch==2.13.0 && pip install --no-deps --require-hashes -r requirements.txt
COPY . .
RUN useradd --create-home anneal && mkdir /data && chown anneal /data
USER anneal

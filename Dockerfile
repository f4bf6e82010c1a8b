# CPU:  docker build -t retseg .
# CUDA: docker build -t retseg:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
# Run:  docker run --rm -v "$PWD:/workspace" retseg predict photos/ --out result
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY retseg ./retseg
COPY pipelines ./pipelines
# torch first and from its own index, so that a CPU image does not carry several GB of CUDA libraries.
RUN version="$(sed -n 's/^torch==//p' constraints.txt)" \
    && pip install --no-cache-dir --index-url "$TORCH_INDEX" "torch==$version" \
    && pip install --no-cache-dir --constraint constraints.txt . \
    && rm -rf /src

RUN useradd --create-home --uid 1000 retseg
USER retseg
WORKDIR /workspace
ENV MPLCONFIGDIR=/tmp/matplotlib
ENTRYPOINT ["retseg"]
CMD ["--help"]

# Erlang/OTP baseline: GenServer.call on plain in-memory counters (no persistence, both cores, no remote hop).
# run: elixir genserver.exs WORKLOAD   (prints one JSON line, same fields as the Node programs)
defmodule Counter do
  use GenServer
  def start(name \\ []), do: GenServer.start(__MODULE__, 0, name)
  def init(total), do: {:ok, total}
  def handle_call({:add, v}, _from, total), do: {:reply, {:ok, %{total: total + v}}, total + v}
end

defmodule Bench do
  @sample 16

  def now, do: :erlang.monotonic_time(:nanosecond)

  # closed loop: `inflight` processes, each calling pick.() then GenServer.call, until the deadline
  def closed(inflight, seconds, call) do
    deadline = now() + trunc(seconds * 1.0e9)
    t0 = now()
    parent = self()

    for w <- 1..inflight do
      spawn_link(fn ->
        :rand.seed(:exsss, {w, 2, 3})
        send(parent, {:done, loop(call, deadline, 0, [])})
      end)
    end

    {ops, samples} =
      Enum.reduce(1..inflight, {0, []}, fn _, {n, s} ->
        receive do
          {:done, {n1, s1}} -> {n + n1, [s1 | s]}
        end
      end)

    {ops, (now() - t0) / 1.0e9, samples |> List.flatten() |> Enum.sort()}
  end

  defp loop(call, deadline, n, samples) do
    if rem(n, @sample) == 0 do
      t = now()

      if t >= deadline do
        {n, samples}
      else
        call.()
        # keep at most one sample per 64 calls in memory
        s = if rem(n, 64) == 0, do: [now() - t | samples], else: samples
        loop(call, deadline, n + 1, s)
      end
    else
      call.()
      loop(call, deadline, n + 1, samples)
    end
  end

  def cpu do
    [_, rest] = File.read!("/proc/self/stat") |> String.split(") ", parts: 2)
    f = String.split(rest, " ")
    (String.to_integer(Enum.at(f, 11)) + String.to_integer(Enum.at(f, 12))) / 100
  end

  def rss do
    [_, r | _] = File.read!("/proc/self/statm") |> String.split(" ")
    String.to_integer(r) * 4096
  end

  def machine do
    [first | _] = File.read!("/proc/stat") |> String.split("\n", parts: 2)
    [_ | f] = String.split(first)
    f = Enum.map(f, &String.to_integer/1)
    (Enum.at(f, 0) + Enum.at(f, 1) + Enum.at(f, 2) + Enum.at(f, 5) + Enum.at(f, 6)) / 100
  end

  defp us(sorted, p), do: if(sorted == [], do: nil, else: Enum.at(sorted, trunc((length(sorted) - 1) * p)) / 1000)

  def report(workload, inflight, actors, call) do
    {seconds, _} = Float.parse(System.get_env("BENCH_SECONDS") || "3")
    {warmup, _} = Float.parse(System.get_env("BENCH_WARMUP") || "1")
    closed(inflight, warmup, call)
    :erlang.garbage_collect()
    c0 = cpu()
    m0 = machine()
    {ops, elapsed, samples} = closed(inflight, seconds, call)
    cpu = cpu() - c0
    foreign = machine() - m0 - cpu
    line(workload, inflight, actors, ops, elapsed, cpu, us(samples, 0.5), us(samples, 0.99), foreign, "")
  end

  def line(workload, inflight, actors, ops, elapsed, cpu, p50, p99, foreign, extra) do
    f = fn x -> if x == nil, do: "null", else: :erlang.float_to_binary(x / 1, decimals: 3) end

    IO.puts(
      ~s({"peer":"genserver","workload":"#{workload}","durability":"none","inflight":#{inflight},"actors":#{actors},) <>
        ~s("ops":#{ops},"seconds":#{f.(elapsed)},"opsPerSec":#{round(ops / elapsed)},"p50us":#{f.(p50)},"p99us":#{f.(p99)},) <>
        ~s("cpuDriverS":#{f.(cpu)},"cpuServerS":null,"cpuUsPerOp":#{f.(cpu * 1.0e6 / ops)},"rssMiB":#{f.(rss() / 1_048_576)},) <>
        ~s("foreignCores":#{f.(max(0.0, foreign) / elapsed)}#{extra}})
    )
  end

  def add(pid), do: GenServer.call(pid, {:add, 1}, 30_000)

  def run(workload) when workload in ["W1-seq", "W1-pipe64"] do
    {:ok, hot} = Counter.start()
    report(workload, if(workload == "W1-seq", do: 1, else: 64), 1, fn -> add(hot) end)
  end

  def run("W2") do
    many = List.to_tuple(for _ <- 1..10_000, do: elem(Counter.start(), 1))
    report("W2", 256, 10_000, fn -> add(elem(many, :rand.uniform(10_000) - 1)) end)
  end

  def run("W4-mem") do
    n = 100_000
    :erlang.garbage_collect()
    {r0, c0, m0, t0} = {rss(), cpu(), machine(), now()}
    keep = for _ <- 1..n, do: (with {:ok, pid} <- Counter.start(), {:ok, _} <- add(pid), do: pid)
    elapsed = (now() - t0) / 1.0e9
    cpu = cpu() - c0
    foreign = machine() - m0 - cpu
    delta = rss() - r0
    _ = length(keep)
    extra = ~s(,"rssDeltaMiB":#{Float.round(delta / 1_048_576, 2)},"bytesPerActor":#{round(delta / n)})
    line("W4-mem", 1, n, n, elapsed, cpu, nil, nil, foreign, extra)
  end
end

Bench.run(hd(System.argv()))

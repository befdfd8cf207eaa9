package dev.outrider.e2e.bench;

import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How long processes take until they are ready, seconds. */
final class StartUp {
  private static final Pattern READY = Pattern.compile("\"ts\":\"([^\"]+)\".*\"msg\":\"ready\"");

  private StartUp() {}

  /**
   * A second proxy in the container of a running one, from just before its launcher is executed
   * until its log says that it is ready, by this machine's clock.
   */
  static double ofProxy(Lab lab, Pod pod) throws Exception {
    String output =
        lab.exec(
            pod,
            "proxy",
            "sh",
            "-c",
            "date +%s%3N; exec timeout 2 outrider proxy --listen 127.0.0.1:15432"
                + " --upstream unix:/run/postgresql/.s.PGSQL.5433 --http-listen 127.0.0.1:19101");
    Matcher ready = READY.matcher(output);
    if (!ready.find()) {
      throw new IllegalStateException("the proxy did not say that it is ready: " + output);
    }
    Instant started = Instant.ofEpochMilli(Long.parseLong(output.lines().findFirst().orElse("")));
    return seconds(started, Instant.parse(ready.group(1)));
  }

  /**
   * A new pod of the operator, from the start of its container's first process until the line of
   * its log, by the container runtime's time stamp, with which it answers {@code /readyz}.
   */
  static double ofOperator(Lab lab, Contender contender) throws Exception {
    Pod before = operator(lab, contender);
    lab.client().pods().resource(before).delete();
    Lab.await(
        "a new pod of " + contender.title() + "'s operator",
        500,
        () ->
            lab.pods(contender.operatorNamespace(), contender.operator()).stream()
                .noneMatch(pod -> same(pod, before)));
    Pod pod = operator(lab, contender);
    String log = lab.client().pods().resource(pod).usingTimestamps().getLog();
    String line =
        log.lines()
            .filter(text -> text.contains(contender.operatorReady()))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "no line with '" + contender.operatorReady() + "' in the operator's log"));
    return seconds(
        firstProcess(pod).started(), Instant.parse(line.substring(0, line.indexOf(' '))));
  }

  /** The operator's pod; waits until it is ready. */
  static Pod operator(Lab lab, Contender contender) throws InterruptedException {
    Lab.await(contender.title() + "'s operator", 200, () -> find(lab, contender).isPresent());
    return find(lab, contender).orElseThrow();
  }

  private static Optional<Pod> find(Lab lab, Contender contender) {
    return lab.pods(contender.operatorNamespace(), contender.operator()).stream()
        .filter(Lab::ready)
        .findFirst();
  }

  private static boolean same(Pod one, Pod other) {
    return one.getMetadata().getUid().equals(other.getMetadata().getUid());
  }

  private static LocalProcess firstProcess(Pod pod) throws IOException {
    List<LocalProcess> processes =
        LocalProcess.of(Lab.containers(pod).findFirst().orElseThrow().getContainerID());
    return processes.stream().min(Comparator.comparing(LocalProcess::started)).orElseThrow();
  }

  private static double seconds(Instant from, Instant to) {
    return Duration.between(from, to).toNanos() / 1e9;
  }
}

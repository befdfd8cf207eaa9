package dev.outrider.operator.agents;

import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.DurationText;
import dev.outrider.operator.model.AgentReading;
import dev.outrider.operator.model.Instance;
import dev.outrider.operator.model.Names;
import dev.outrider.operator.model.Trust;
import dev.outrider.operator.pki.CertificateAuthority;
import dev.outrider.operator.pki.MutualTls;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks every agent of every cluster now and then what it does, and tells when one says something
 * new.
 *
 * <ol>
 *   <li>One thread keeps the time for all. Each look is a virtual thread that lives as long as the
 *       look, {@link Pace#limit} at most; no more than {@value #AT_ONCE} look at once.
 *   <li>An agent whose pod or configuration has just changed is asked soon and often, until it says
 *       that it is ready with its configuration in force, or for {@link Pace#settling}.
 *   <li>An agent that does not answer keeps what it said last until {@link Pace#misses} looks in a
 *       row were in vain.
 *   <li>What it says in other words (a number in a message) is news once a minute at most; what it
 *       says again is none.
 * </ol>
 *
 * <p>Safe for all threads; no method waits for an agent.
 */
public final class AgentWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AgentWatch.class);
  private static final int AT_ONCE = 16;
  private static final Duration REWORDED = Duration.ofMinutes(1);

  /**
   * How often and how long.
   *
   * @param regular between looks at an agent that does what it should
   * @param soon between looks at one that has just changed
   * @param settling how long that is just
   * @param away between looks at one that does not answer
   * @param misses looks in vain until it counts as unreachable
   * @param limit how long one look may take
   */
  public record Pace(
      Duration regular,
      Duration soon,
      Duration settling,
      Duration away,
      int misses,
      Duration limit) {
    /** Some milliseconds of work for each agent every ten seconds. */
    public static final Pace DEFAULT =
        new Pace(
            Duration.ofSeconds(10),
            Duration.ofSeconds(2),
            Duration.ofMinutes(1),
            Duration.ofSeconds(30),
            3,
            Duration.ofSeconds(2));
  }

  /** Which agent of a cluster. */
  private record Key(String pod, String agent) {}

  /**
   * Where an agent is and what it should say.
   *
   * @param container another one is another life of the agent
   */
  private record Target(
      String podUid, String container, String address, int port, @Nullable String configHash) {
    boolean isSameLife(Target other) {
      return podUid.equals(other.podUid) && container.equals(other.container);
    }
  }

  private final Pace pace;
  private final InstantSource clock;
  private final StatusSource source;
  private final Consumer<Names> news;
  private final Map<Names, Cluster> clusters = new HashMap<>();
  private final Semaphore permits = new Semaphore(AT_ONCE);
  private final ScheduledThreadPoolExecutor timer;

  /**
   * Makes a watch that looks at nothing yet.
   *
   * @param news told of each cluster whose agents say something new; must return soon
   */
  public AgentWatch(Pace pace, InstantSource clock, Consumer<Names> news) {
    this(pace, clock, new StatusClient(pace.limit()), news);
  }

  AgentWatch(Pace pace, InstantSource clock, StatusSource source, Consumer<Names> news) {
    this.pace = pace;
    this.clock = clock;
    this.source = source;
    this.news = news;
    this.timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name("agent-watch").daemon(true).factory());
    timer.setRemoveOnCancelPolicy(true);
  }

  /** The agents of one cluster; all its fields are guarded by the watch. */
  private static final class Cluster {
    private final Map<Key, Watched> agents = new HashMap<>();
    private CertificateAuthority.@Nullable Issued shown;
    private @Nullable String authority;
    private @Nullable SSLContext tls;
  }

  /** One agent; all its fields but the first three are guarded by the watch. */
  private static final class Watched {
    private final Names names;
    private final Cluster cluster;
    private final Target target;
    private final Instant changed;
    private AgentReading reading;
    private Instant worded;
    private int misses;
    private @Nullable Instant firstMiss;
    private boolean gone;
    private @Nullable Future<?> next;

    Watched(Names names, Cluster cluster, Target target, Instant now, AgentReading reading) {
      this.names = names;
      this.cluster = cluster;
      this.target = target;
      this.changed = now;
      this.reading = reading;
      this.worded = now;
    }
  }

  /**
   * Says which instances a cluster has now. Agents that are there already are not disturbed by
   * this.
   *
   * @param configHashes by agent: the configuration that it should have in force
   */
  public synchronized void watch(
      Names names, Trust trust, List<Instance> instances, Map<String, String> configHashes) {
    if (timer.isShutdown()) {
      return;
    }
    Cluster cluster = clusters.computeIfAbsent(names, n -> new Cluster());
    if (!takeUp(cluster, names, trust)) {
      return;
    }
    Map<Key, Target> targets = new HashMap<>();
    for (Instance instance : instances) {
      String address =
          Optional.ofNullable(instance.pod().getStatus()).map(PodStatus::getPodIP).orElse(null);
      for (Instance.Agent agent : instance.agents()) {
        if (agent.running() && address != null) {
          targets.put(
              new Key(instance.name(), agent.name()),
              new Target(
                  String.valueOf(instance.pod().getMetadata().getUid()),
                  agent.container(),
                  address,
                  agent.port(),
                  configHashes.get(agent.name())));
        }
      }
    }
    cluster
        .agents
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = !targets.containsKey(entry.getKey());
              if (gone) {
                end(entry.getValue());
              }
              return gone;
            });
    targets.forEach(
        (key, target) ->
            cluster.agents.compute(key, (k, old) -> watched(names, cluster, target, old)));
  }

  private Watched watched(Names names, Cluster cluster, Target target, @Nullable Watched old) {
    if (old != null && old.target.equals(target)) {
      return old;
    }
    AgentReading reading = new AgentReading.NotAsked();
    if (old != null) {
      end(old);
      if (old.target.isSameLife(target)) {
        reading = old.reading;
      }
    }
    Watched watched = new Watched(names, cluster, target, clock.instant(), reading);
    // Whoever changes something looks at it right after: not in the same moment as all others.
    schedule(watched, pace.soon().dividedBy(4));
    return watched;
  }

  /** Certificates are renewed; the context is made again when they are. */
  private static boolean takeUp(Cluster cluster, Names names, Trust trust) {
    if (cluster.tls != null
        && trust.instance().equals(cluster.shown)
        && trust.authority().certificate().equals(cluster.authority)) {
      return true;
    }
    try {
      cluster.tls = MutualTls.context(trust.authority(), trust.instance());
      cluster.shown = trust.instance();
      cluster.authority = trust.authority().certificate();
      return true;
    } catch (GeneralSecurityException e) {
      LOG.atError()
          .addKeyValue("namespace", names.namespace())
          .addKeyValue("cluster", names.cluster())
          .addKeyValue("problem", String.valueOf(e.getMessage()))
          .log("agents cannot be asked: the cluster's certificate cannot be used");
      return cluster.tls != null;
    }
  }

  /** By pod and agent: what is known of it. */
  public synchronized Map<String, Map<String, AgentReading>> readings(Names names) {
    Map<String, Map<String, AgentReading>> readings = new HashMap<>();
    Cluster cluster = clusters.get(names);
    if (cluster != null) {
      cluster.agents.forEach(
          (key, watched) ->
              readings
                  .computeIfAbsent(key.pod(), pod -> new HashMap<>())
                  .put(key.agent(), watched.reading));
    }
    return readings;
  }

  /** To be called when a cluster is gone. */
  public synchronized void forget(Names names) {
    Cluster cluster = clusters.remove(names);
    if (cluster != null) {
      cluster.agents.values().forEach(AgentWatch::end);
    }
  }

  private static void end(Watched watched) {
    watched.gone = true;
    if (watched.next != null) {
      watched.next.cancel(false);
    }
  }

  private void schedule(Watched watched, Duration delay) {
    if (!timer.isShutdown()) {
      watched.next =
          timer.schedule(
              () -> {
                Thread.ofVirtual().name("agent-look").start(() -> look(watched));
              },
              delay.toMillis(),
              TimeUnit.MILLISECONDS);
    }
  }

  private void look(Watched watched) {
    SSLContext tls;
    synchronized (this) {
      tls = Objects.requireNonNull(watched.cluster.tls);
    }
    AgentStatus status = null;
    String problem = "";
    try {
      permits.acquire();
      try {
        status = read(watched.target, tls);
      } catch (IOException | RuntimeException e) {
        // Whatever it is: the next look is to come.
        problem = Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
      } finally {
        permits.release();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    boolean told;
    synchronized (this) {
      if (watched.gone) {
        return;
      }
      Instant now = clock.instant();
      told = status == null ? missed(watched, problem, now) : heard(watched, status, now);
      schedule(watched, pause(watched, now));
    }
    if (told) {
      news.accept(watched.names);
    }
  }

  /** Each step of a look has its time limit; this one is for all of them together. */
  private AgentStatus read(Target target, SSLContext tls) throws IOException {
    Thread looking = Thread.currentThread();
    Future<?> limit =
        timer.schedule(looking::interrupt, pace.limit().toMillis(), TimeUnit.MILLISECONDS);
    try {
      return source.read(target.address(), target.port(), tls);
    } catch (IOException e) {
      if (Thread.interrupted()) {
        throw new IOException("no answer within " + DurationText.format(pace.limit()), e);
      }
      throw e;
    } finally {
      limit.cancel(false);
    }
  }

  private Duration pause(Watched watched, Instant now) {
    if (watched.reading instanceof AgentReading.Unreachable) {
      return pace.away();
    }
    boolean settled =
        watched.misses == 0
            && watched.reading instanceof AgentReading.Said said
            && said.state().equals("ready")
            && said.configHash().equals(watched.target.configHash());
    return settled || now.isAfter(watched.changed.plus(pace.settling()))
        ? pace.regular()
        : pace.soon();
  }

  private static boolean heard(Watched watched, AgentStatus status, Instant now) {
    watched.misses = 0;
    watched.firstMiss = null;
    AgentReading.Said said = AgentReading.Said.of(status, now);
    if (said.equals(watched.reading)
        || (watched.reading instanceof AgentReading.Said before
            && said.saysTheSameAs(before)
            && now.isBefore(watched.worded.plus(REWORDED)))) {
      return false;
    }
    watched.reading = said;
    watched.worded = now;
    return true;
  }

  private boolean missed(Watched watched, String problem, Instant now) {
    watched.misses++;
    if (watched.firstMiss == null) {
      watched.firstMiss = now;
    }
    if (watched.misses < pace.misses() || watched.reading instanceof AgentReading.Unreachable) {
      return false;
    }
    watched.reading = new AgentReading.Unreachable(watched.firstMiss, problem);
    LOG.atInfo()
        .addKeyValue("namespace", watched.names.namespace())
        .addKeyValue("cluster", watched.names.cluster())
        .addKeyValue("address", watched.target.address())
        .addKeyValue("problem", problem)
        .log("an agent does not answer");
    return true;
  }

  /** Ends all looks; nothing is told any more. */
  @Override
  public synchronized void close() {
    clusters.values().forEach(cluster -> cluster.agents.values().forEach(AgentWatch::end));
    clusters.clear();
    timer.shutdownNow();
  }
}

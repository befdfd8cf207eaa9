package dev.outrider.agents.tls;

import dev.outrider.agents.config.Problem;
import dev.outrider.agents.reload.Retry;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is made of key files that may change.
 *
 * <p>New files are in force whole or not at all: if one cannot be read, or key and certificate do
 * not belong together, what was made before stays, and the log and {@link #problem} tell why. They
 * are tried again now and then, since the reason may pass. Safe for all threads.
 *
 * @param <T> what is made of the files
 */
public final class ReloadingKeys<T> {
  private static final Logger LOG = LoggerFactory.getLogger(ReloadingKeys.class);

  /**
   * Makes something of what the files hold.
   *
   * @param <T> what is made
   */
  @FunctionalInterface
  public interface Maker<T> {
    /**
     * Makes it.
     *
     * @throws GeneralSecurityException if nothing can be made of this
     * @throws IOException if nothing can be made of this
     */
    T make(KeyMaterial material) throws IOException, GeneralSecurityException;
  }

  private final String what;
  private final KeyFiles files;
  private final Maker<T> maker;
  private final InstantSource clock;
  private final Retry retry;
  private KeyFiles.@Nullable Stamps read;
  private KeyFiles.@Nullable Stamps seen;
  private @Nullable T made;
  private volatile @Nullable Problem problem;

  /**
   * Reads nothing yet.
   *
   * @param what the key of the configuration that names the files, for the problem: {@code tls}
   * @param files where they are
   * @param maker makes something of them
   * @param clock tells since when something is wrong
   */
  public ReloadingKeys(String what, KeyFiles files, Maker<T> maker, InstantSource clock) {
    this.what = what;
    this.files = files;
    this.maker = maker;
    this.clock = clock;
    this.retry = new Retry(clock);
  }

  /** Why the newest files are not in force, or null if they are. */
  public @Nullable Problem problem() {
    return problem;
  }

  /** What was made of the files that were read last and usable; null if none were. */
  public synchronized @Nullable T made() {
    return made;
  }

  /**
   * Reads the files for the first time; that they cannot be used is told to the caller alone.
   *
   * @throws IOException if one cannot be read
   * @throws GeneralSecurityException if nothing can be made of what they hold
   */
  public synchronized T first() throws IOException, GeneralSecurityException {
    KeyFiles.Stamps now = files.stamps();
    T first = make();
    seen = now;
    read = now;
    return first;
  }

  /**
   * What is made of the files as they are now; null if they have never been usable. Looks at the
   * files, and reads them if they have changed or it is time to try again.
   */
  public synchronized @Nullable T current() {
    KeyFiles.Stamps now = files.stamps();
    seen = now;
    if (isWanted(now)) {
      load(now);
    }
    return made;
  }

  /**
   * Looks whether the files have changed. A change is taken up only when two looks in a row see the
   * same new files, so that files which are being written are not read half-written.
   *
   * @return whether there is news: they were taken up, or cannot be for a reason not told before
   */
  public synchronized boolean look() {
    KeyFiles.Stamps now = files.stamps();
    boolean settled = now.equals(seen);
    seen = now;
    return settled && isWanted(now) && load(now);
  }

  private boolean isWanted(KeyFiles.Stamps now) {
    return !now.equals(read) || retry.isDue();
  }

  private boolean load(KeyFiles.Stamps now) {
    if (!now.equals(read)) {
      retry.reset();
    }
    retry.tried();
    read = now;
    try {
      make();
      return true;
    } catch (IOException | GeneralSecurityException e) {
      retry.failed();
      return isNews(why(e));
    }
  }

  private T make() throws IOException, GeneralSecurityException {
    T usable = maker.make(KeyMaterial.read(files));
    made = usable;
    problem = null;
    LOG.atInfo().addKeyValue("certificate", files.certificate()).log("certificates are loaded");
    return usable;
  }

  private boolean isNews(String why) {
    String message = "the certificates cannot be used: " + why;
    Problem before = problem;
    if (before != null && before.message().equals(message)) {
      return false;
    }
    problem = new Problem(what, message, before == null ? clock.instant() : before.since());
    LOG.atError().addKeyValue("problem", why).log("the certificates cannot be used");
    return true;
  }

  /** The reason that an error of {@link #first} gives. */
  public static String why(Exception error) {
    // The message of an error about a file may be no more than its name.
    return error instanceof IOException ? error.toString() : String.valueOf(error.getMessage());
  }
}

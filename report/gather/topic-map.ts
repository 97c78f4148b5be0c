import { kMeansCluster } from 'simple-statistics';
import { UMAP } from 'umap-js';
import { createRandom } from '../../method/random';
import { tellingTerms } from '../../method/topics/telling-terms';
import { nearestTexts, termWeights } from '../../method/topics/term-weights';
import { topicTerms } from '../../method/topics/topic-terms';

/** A text's place on the map and its topic. */
export interface MappedText {
  readonly x: number;
  readonly y: number;
  /** Index into `topics`. */
  readonly topic: number;
}

export interface TopicMap {
  /** In the order of the texts. */
  readonly texts: readonly MappedText[];
  readonly topics: readonly {
    readonly x: number;
    readonly y: number;
    /** Terms that distinguish the topic, best first; few or none where its texts share no words. */
    readonly terms: readonly string[];
  }[];
}

/** Fewer texts make no map. */
export const FEWEST_TEXTS = 15;
const NEIGHBOURS = 12;
const EPOCHS = 200;
const MOST_TOPICS = 10;
const TERMS_A_TOPIC = 5;
const STARTS = 8;

/**
 * Texts on a plane, those that share distinctive words near each other: TF-IDF vectors, their nearest neighbours by cosine, and UMAP
 * (McInnes, Healy, Melville, 2018) with a seed; topics are k-means groups of the plane, a convenience of reading. Nothing is
 * downloaded and no model is asked, so texts about one thing in different words, or languages, lie apart.
 * @returns undefined for fewer texts than make a map
 */
export function topicMap(texts: readonly string[], seed: number): TopicMap | undefined {
  if (texts.length < FEWEST_TEXTS) return undefined;
  const random = createRandom(seed);
  const unit = (): number => random.below(2 ** 32) / 2 ** 32;
  const terms = texts.map(tellingTerms);
  const neighbours = nearestTexts(termWeights(terms), Math.min(NEIGHBOURS, texts.length - 1));
  const umap = new UMAP({ nNeighbors: neighbours[0]!.indices.length, nEpochs: EPOCHS, minDist: 0.15, random: unit });
  umap.setPrecomputedKNN(
    neighbours.map(({ indices }) => indices),
    neighbours.map(({ distances }) => distances),
  );
  const places = umap.fit(texts.map((_, index) => [index])); // the vectors themselves are not asked for: the neighbours are known
  const { labels, centroids } = bestClusters(places, Math.max(2, Math.min(MOST_TOPICS, Math.round(Math.sqrt(texts.length / 4)))), unit);
  const named = topicTerms(terms, labels, TERMS_A_TOPIC);
  return {
    texts: places.map(([x, y], index) => ({ x: x!, y: y!, topic: labels[index]! })),
    topics: centroids.map(([x, y], index) => ({ x: x!, y: y!, terms: named[index] ?? [] })),
  };
}

type Clusters = ReturnType<typeof kMeansCluster>;

/** The tightest of several starts. A start whose clusters lose all their points is no clustering; fewer clusters always work. */
function bestClusters(points: number[][], count: number, random: () => number): Clusters {
  let best: { readonly clusters: Clusters; readonly spread: number } | undefined;
  for (let start = 0; start < STARTS; start++) {
    try {
      const clusters = kMeansCluster(points, count, random);
      const spread = points.reduce((sum, [x, y], index) => {
        const [cx, cy] = clusters.centroids[clusters.labels[index]!]!;
        return sum + (x! - cx!) ** 2 + (y! - cy!) ** 2;
      }, 0);
      if (Number.isFinite(spread) && (best === undefined || spread < best.spread)) best = { clusters, spread };
    } catch {
      // This start left a cluster without points.
    }
  }
  return (
    best?.clusters ?? (count <= 1 ? { labels: points.map(() => 0), centroids: [points[0]!] } : bestClusters(points, count - 1, random))
  );
}

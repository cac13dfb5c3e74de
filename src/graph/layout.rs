//! Where the boxes and edges of a drawing stand: levels from top to bottom, few crossings within them.
//!
//! The classic layered method: an edge over several levels gets a stop on each level between, the order
//! within a level follows the mean place of the neighbours, in a few sweeps down and up. Plain sweeps are
//! enough for the sizes that a person can read; nothing here searches for the best drawing.

use crate::graph::picture::Picture;

/// A drawing's places; units are pixels.
pub(super) struct Layout {
    /// Width of the whole.
    pub width: f64,
    /// Height of the whole.
    pub height: f64,
    /// The left upper corner of each step's box.
    pub boxes: Vec<(f64, f64)>,
    /// For each edge, in the picture's order, the points that it passes, from the lower border of the earlier
    /// box to the upper border of the later one.
    pub routes: Vec<Vec<(f64, f64)>>,
}

pub(super) const BOX_WIDTH: f64 = 216.0;
pub(super) const BOX_HEIGHT: f64 = 58.0;
const GAP_ACROSS: f64 = 28.0;
const GAP_DOWN: f64 = 46.0;
/// The room of an edge that passes a level.
const STOP_WIDTH: f64 = 14.0;
const MARGIN: f64 = 24.0;
const TITLE_HEIGHT: f64 = 30.0;
const SWEEPS: usize = 8;

/// A place on a level: a step's box, or the stop of an edge that passes.
struct Node {
    level: usize,
    width: f64,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Places for all boxes and edges of a picture.
pub(super) fn layout(picture: &Picture) -> Layout {
    let (nodes, chains) = nodes(picture);
    let depth = nodes.iter().map(|node| node.level + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    for (index, node) in nodes.iter().enumerate() {
        rows[node.level].push(index);
    }
    order(&nodes, &mut rows);
    let centres = centres(&nodes, &rows);
    let left = nodes
        .iter()
        .zip(&centres)
        .map(|(node, x)| x - node.width / 2.0)
        .fold(f64::MAX, f64::min);
    let right = nodes
        .iter()
        .zip(&centres)
        .map(|(node, x)| x + node.width / 2.0)
        .fold(0.0, f64::max);
    let x = |node: usize| centres[node] - left + MARGIN;
    let y = |level: usize| MARGIN + TITLE_HEIGHT + level as f64 * (BOX_HEIGHT + GAP_DOWN);
    let boxes =
        (0..picture.steps.len()).map(|step| (x(step) - BOX_WIDTH / 2.0, y(nodes[step].level)));
    let routes = chains.iter().map(|chain| {
        let mut points = Vec::with_capacity(chain.len() * 2);
        for (place, node) in chain.iter().enumerate() {
            let top = y(nodes[*node].level);
            if place > 0 {
                points.push((x(*node), top));
            }
            if place + 1 < chain.len() {
                points.push((x(*node), top + BOX_HEIGHT));
            }
        }
        points
    });
    Layout {
        width: right - left + 2.0 * MARGIN,
        height: y(depth) - GAP_DOWN + MARGIN,
        boxes: boxes.collect(),
        routes: routes.collect(),
    }
}

/// All places, the steps' first, and for each edge the places that it passes.
fn nodes(picture: &Picture) -> (Vec<Node>, Vec<Vec<usize>>) {
    let node = |level, width| Node {
        level,
        width,
        above: Vec::new(),
        below: Vec::new(),
    };
    let mut nodes: Vec<Node> = picture
        .steps
        .iter()
        .map(|step| node(step.level, BOX_WIDTH))
        .collect();
    let mut chains = Vec::with_capacity(picture.edges.len());
    for edge in &picture.edges {
        let mut chain = vec![edge.from];
        for level in picture.steps[edge.from].level + 1..picture.steps[edge.to].level {
            chain.push(nodes.len());
            nodes.push(node(level, STOP_WIDTH));
        }
        chain.push(edge.to);
        for pair in chain.windows(2) {
            nodes[pair[0]].below.push(pair[1]);
            nodes[pair[1]].above.push(pair[0]);
        }
        chains.push(chain);
    }
    (nodes, chains)
}

fn order(nodes: &[Node], rows: &mut [Vec<usize>]) {
    let mut place = vec![0.0_f64; nodes.len()];
    let number = |row: &[usize], place: &mut Vec<f64>| {
        // Places are measured from the middle, so that rows of different lengths compare.
        for (index, node) in row.iter().enumerate() {
            place[*node] = index as f64 - row.len() as f64 / 2.0;
        }
    };
    for row in rows.iter() {
        number(row, &mut place);
    }
    for sweep in 0..SWEEPS {
        let is_down = sweep % 2 == 0;
        let levels: Vec<usize> = if is_down {
            (0..rows.len()).collect()
        } else {
            (0..rows.len()).rev().collect()
        };
        for level in levels {
            let mean = |node: &usize| {
                let neighbours = if is_down {
                    &nodes[*node].above
                } else {
                    &nodes[*node].below
                };
                match neighbours.len() {
                    0 => place[*node],
                    n => neighbours.iter().map(|other| place[*other]).sum::<f64>() / n as f64,
                }
            };
            let mut row: Vec<(f64, usize)> = rows[level].iter().map(|n| (mean(n), *n)).collect();
            row.sort_by(|one, other| one.0.total_cmp(&other.0));
            rows[level] = row.into_iter().map(|(_, node)| node).collect();
            number(&rows[level], &mut place);
        }
    }
}

/// The centre of each place: as near to the mean of its neighbours as the row's order and gaps allow.
fn centres(nodes: &[Node], rows: &[Vec<usize>]) -> Vec<f64> {
    let mut centres = vec![0.0_f64; nodes.len()];
    for row in rows {
        let width: f64 = row
            .iter()
            .map(|n| nodes[*n].width + GAP_ACROSS)
            .sum::<f64>()
            - GAP_ACROSS;
        let mut x = -width / 2.0;
        for node in row {
            centres[*node] = x + nodes[*node].width / 2.0;
            x += nodes[*node].width + GAP_ACROSS;
        }
    }
    for sweep in 0..SWEEPS {
        let levels: Vec<&Vec<usize>> = if sweep % 2 == 0 {
            rows.iter().collect()
        } else {
            rows.iter().rev().collect()
        };
        for row in levels {
            let wanted: Vec<f64> = row
                .iter()
                .map(|node| wanted(&nodes[*node], *node, &centres))
                .collect();
            place_row(nodes, row, &wanted, &mut centres);
        }
    }
    centres
}

fn wanted(node: &Node, index: usize, centres: &[f64]) -> f64 {
    let neighbours = node.above.len() + node.below.len();
    if neighbours == 0 {
        return centres[index];
    }
    let sum: f64 = node
        .above
        .iter()
        .chain(&node.below)
        .map(|other| centres[*other])
        .sum();
    sum / neighbours as f64
}

/// Puts a row's places from left to right, each where it wants to be or as far right as the one before
/// needs, and then moves the whole row by the mean of what it is off.
fn place_row(nodes: &[Node], row: &[usize], wanted: &[f64], centres: &mut [f64]) {
    let mut border = f64::MIN;
    for (node, want) in row.iter().zip(wanted) {
        let half = nodes[*node].width / 2.0;
        let centre = want.max(border + half);
        centres[*node] = centre;
        border = centre + half + GAP_ACROSS;
    }
    let off: f64 = row
        .iter()
        .zip(wanted)
        .map(|(node, want)| centres[*node] - want)
        .sum();
    let shift = off / row.len().max(1) as f64;
    for node in row {
        centres[*node] -= shift;
    }
}

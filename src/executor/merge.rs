//! Merges sorted runs on disk: a heap of the runs by the key of their next row.

use super::spill::SpillFile;
use crate::base::Result;
use crate::types::Batch;
use arrow_array::cast::AsArray;
use arrow_select::interleave::interleave;

/// A run and the batch of it that is being read; its last column is the key.
struct Run {
    file: SpillFile,
    batch: Batch,
    at: usize,
}

impl Run {
    fn key(&self) -> &[u8] {
        self.batch.columns.last().expect("the key's column").as_binary_view().value(self.at)
    }
}

pub(crate) struct Merge {
    runs: Vec<Run>,
    /// Runs with rows left, as a binary heap: smallest key first, and of equal keys the earlier run.
    heap: Vec<usize>,
}

impl Merge {
    pub fn new(files: Vec<SpillFile>) -> Result<Merge> {
        let mut merge = Merge { runs: Vec::new(), heap: Vec::new() };
        for mut file in files {
            if let Some(batch) = file.read()? {
                merge.heap.push(merge.runs.len());
                merge.runs.push(Run { file, batch, at: 0 });
            }
        }
        for i in (0..merge.heap.len() / 2).rev() {
            merge.sift_down(i);
        }
        Ok(merge)
    }

    fn less(&self, a: usize, b: usize) -> bool {
        (self.runs[a].key(), a) < (self.runs[b].key(), b)
    }

    fn sift_down(&mut self, mut i: usize) {
        loop {
            let child = [2 * i + 1, 2 * i + 2]
                .into_iter()
                .filter(|&c| c < self.heap.len())
                .reduce(|a, b| if self.less(self.heap[b], self.heap[a]) { b } else { a });
            match child {
                Some(c) if self.less(self.heap[c], self.heap[i]) => {
                    self.heap.swap(c, i);
                    i = c;
                }
                _ => return,
            }
        }
    }

    /// The next rows in order, at most `max`, without their keys.
    pub fn next(&mut self, max: usize) -> Result<Option<Batch>> {
        // Batches that rows were picked from; the first ones are those that the runs are at.
        let mut sources: Vec<Batch> = self.runs.iter().map(|r| r.batch.clone()).collect();
        let mut current: Vec<usize> = (0..self.runs.len()).collect();
        let mut picks = Vec::with_capacity(max.min(2048));
        while picks.len() < max
            && let Some(&first) = self.heap.first()
        {
            let run = &mut self.runs[first];
            picks.push((current[first], run.at));
            run.at += 1;
            if run.at == run.batch.rows {
                match run.file.read()? {
                    Some(batch) => {
                        current[first] = sources.len();
                        sources.push(batch.clone());
                        (run.batch, run.at) = (batch, 0);
                    }
                    None => {
                        self.heap.swap_remove(0);
                    }
                }
            }
            self.sift_down(0);
        }
        if picks.is_empty() {
            return Ok(None);
        }
        let width = sources[0].columns.len() - 1;
        let columns = (0..width).map(|i| {
            let arrays: Vec<_> = sources.iter().map(|s| s.columns[i].as_ref()).collect();
            interleave(&arrays, &picks).expect("columns of one form")
        });
        Ok(Some(Batch::new(columns.collect(), picks.len())))
    }
}

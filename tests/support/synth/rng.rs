//! Generates random numbers from a seed only: xoshiro256** seeded by splitmix64, a Zipf-like draw,
//! and GUIDs. This is own code, so that an archive does not change with the version of a crate.

/// A stream of random numbers.
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        let mut next = seed;
        Rng { state: std::array::from_fn(|_| splitmix(&mut next)) }
    }

    /// Returns a stream for one part of the archive, so that each part can be generated alone.
    pub fn for_part(seed: u64, part: u64) -> Self {
        let mut mixed = part ^ 0x5851_f42d_4c95_7f2d;
        Rng::new(seed ^ splitmix(&mut mixed))
    }

    pub fn next(&mut self) -> u64 {
        let result = self.state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = self.state[1] << 17;
        self.state[2] ^= self.state[0];
        self.state[3] ^= self.state[1];
        self.state[1] ^= self.state[2];
        self.state[0] ^= self.state[3];
        self.state[2] ^= shifted;
        self.state[3] = self.state[3].rotate_left(45);
        result
    }

    /// Returns a number below `limit`, which must not be 0.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// Returns a number from 0 up to, but not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }

    /// Appends a GUID of version 4 in lower case.
    pub fn push_guid(&mut self, out: &mut String) {
        let high = self.next() & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = self.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        let bits = u128::from(high) << 64 | u128::from(low);
        let mut text = [b'-'; 36];
        let mut digit = 0;
        for (at, place) in text.iter_mut().enumerate() {
            if !matches!(at, 8 | 13 | 18 | 23) {
                *place = b"0123456789abcdef"[(bits >> (124 - 4 * digit)) as usize & 15];
                digit += 1;
            }
        }
        out.push_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"));
    }

    pub fn guid(&mut self) -> String {
        let mut text = String::with_capacity(36);
        self.push_guid(&mut text);
        text
    }
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Draws by weights; the first of `n` items is used most, as in real use.
pub struct Weighted {
    cumulative: Vec<f64>,
}

impl Weighted {
    /// Creates weights by rank; the larger `flatness`, the smaller the difference. Powers are
    /// avoided, because machines calculate them differently.
    pub fn zipf(count: usize, flatness: f64) -> Self {
        Weighted::new((1..=count).map(|rank| 1.0 / (rank as f64 + flatness)))
    }

    pub fn new(weights: impl Iterator<Item = f64>) -> Self {
        let cumulative = weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        Weighted { cumulative }
    }

    pub fn draw(&self, rng: &mut Rng) -> usize {
        let total = *self.cumulative.last().expect("a draw needs something to draw");
        let point = rng.unit() * total;
        let index = self.cumulative.partition_point(|&sum| sum <= point);
        index.min(self.cumulative.len() - 1)
    }
}

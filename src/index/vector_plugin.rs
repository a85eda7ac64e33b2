//! The tantivy plugin that writes the [vectors](super::vectors) of a segment, and merges those of several.

use std::any::Any;
use std::io::{self, Write};

use tantivy::index::SegmentComponent;
use tantivy::indexer::DocIdMapping;
use tantivy::plugin::{PluginMergeContext, PluginWriter, PluginWriterContext, SegmentPlugin};
use tantivy::schema::document::ErasedDocument;
use tantivy::schema::{Field, FieldType, Schema, Value};
use tantivy::{DocId, Segment, TantivyDocument};

use super::codes;
use super::quantized::RowView;
use super::rows::{ROW_HEADER, scale_in};
use super::vectors::{EXTENSION, FORMAT, MAGIC, Vectors};

/// The tantivy plugin of the component. Register it when you create an index and each time you open one.
pub struct VectorPlugin {
    /// The number of elements of a vector.
    pub dimensions: usize,
}

impl SegmentPlugin for VectorPlugin {
    fn extensions(&self) -> &[&str] {
        &[EXTENSION]
    }

    fn create_writer(&self, context: &PluginWriterContext) -> tantivy::Result<Box<dyn PluginWriter>> {
        let schema = context.segment.schema();
        let field = schema
            .fields()
            .find_map(|(field, entry)| matches!(entry.field_type(), FieldType::Custom(_)).then_some(field));
        Ok(Box::new(Writer {
            field,
            dimensions: self.dimensions,
            starts: vec![0],
            headers: Vec::new(),
            numbers: Vec::new(),
        }))
    }

    fn merge(&self, context: PluginMergeContext) -> tantivy::Result<()> {
        // Without an index sort, a merge concatenates the segments without their deleted documents. With any
        // other order the vectors would no longer match their documents.
        if context.settings.sort_by_field.is_some() {
            return Err(tantivy::TantivyError::InvalidArgument("vectors cannot follow an index sort".into()));
        }
        let sources = context.readers.iter().map(Vectors::open).collect::<tantivy::Result<Vec<_>>>()?;
        let alive = || {
            context.readers.iter().zip(&sources).flat_map(|(reader, vectors)| {
                reader.doc_ids_alive().map(move |doc| (vectors, vectors.rows_of(doc)))
            })
        };
        let views = || alive().flat_map(|(vectors, rows)| rows.map(|row| vectors.view(row)));
        let mut starts = vec![0_u32];
        starts.extend(alive().scan(0, |rows, (_, range)| {
            *rows += range.len() as u32;
            Some(*rows)
        }));
        write_component(context.target_segment, self.dimensions, &starts, |out| {
            alive().try_for_each(|(vectors, rows)| out.write_all(vectors.header_bytes(rows)))?;
            alive().try_for_each(|(vectors, rows)| {
                out.write_all(bytemuck::cast_slice(vectors.numbers_of(rows)))
            })?;
            write_codes(out, *starts.last().expect("begins with 0") as usize, self.dimensions, views)
        })
    }
}

/// Collects the vectors of a new segment.
struct Writer {
    field: Option<Field>,
    dimensions: usize,
    starts: Vec<u32>,
    headers: Vec<u8>,
    numbers: Vec<u8>,
}

impl Writer {
    fn views(&self) -> impl Iterator<Item = RowView<'_>> {
        let headers = self.headers.chunks_exact(ROW_HEADER);
        // Without dimensions there are no rows.
        let numbers = self.numbers.chunks_exact(self.dimensions.max(1));
        headers.zip(numbers).map(|(header, numbers)| RowView {
            scale: scale_in(header),
            numbers: bytemuck::cast_slice(numbers),
        })
    }
}

impl PluginWriter for Writer {
    fn add_document(
        &mut self,
        _doc: DocId,
        doc: &dyn ErasedDocument,
        _schema: &Schema,
    ) -> tantivy::Result<()> {
        let doc = doc.as_any().downcast_ref::<TantivyDocument>().expect("only TantivyDocuments are added");
        let mut rows = *self.starts.last().expect("begins with 0");
        if let Some(bytes) = self.field.and_then(|field| doc.get_first(field)?.as_custom()) {
            for row in bytes.chunks_exact(ROW_HEADER + self.dimensions) {
                self.headers.extend_from_slice(&row[..ROW_HEADER]);
                self.numbers.extend_from_slice(&row[ROW_HEADER..]);
                rows += 1;
            }
        }
        self.starts.push(rows);
        Ok(())
    }

    fn serialize(self: Box<Self>, segment: &Segment, mapping: Option<&DocIdMapping>) -> tantivy::Result<()> {
        if mapping.is_some() {
            return Err(tantivy::TantivyError::InvalidArgument("vectors cannot follow an index sort".into()));
        }
        write_component(segment, self.dimensions, &self.starts, |out| {
            out.write_all(&self.headers)?;
            out.write_all(&self.numbers)?;
            write_codes(out, self.headers.len() / ROW_HEADER, self.dimensions, || self.views())
        })
    }

    fn mem_usage(&self) -> usize {
        self.starts.capacity() * 4 + self.headers.capacity() + self.numbers.capacity()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// Writes the [codes] of `rows` rows, if there are enough.
fn write_codes<'a, V: Iterator<Item = RowView<'a>>>(
    out: &mut dyn Write,
    rows: usize,
    dimensions: usize,
    views: impl Fn() -> V,
) -> io::Result<()> {
    if rows < codes::LEAST_ROWS {
        return Ok(());
    }
    let mean = codes::mean_of(views(), dimensions);
    let mut bytes: Vec<u8> = mean.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut views = views();
    loop {
        let block: Vec<RowView<'_>> = views.by_ref().take(codes::LANES).collect();
        if block.is_empty() {
            break;
        }
        codes::encode(&block, &mean, &mut bytes);
        if bytes.len() >= 1 << 16 {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    out.write_all(&bytes)
}

fn write_component(
    segment: &Segment,
    dimensions: usize,
    starts: &[u32],
    rows: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> tantivy::Result<()> {
    use tantivy::directory::TerminatingWrite;

    let mut out = segment.clone().open_write(SegmentComponent::Custom(EXTENSION.into()))?;
    let count = *starts.last().expect("begins with 0");
    out.write_all(&MAGIC)?;
    for number in [FORMAT, dimensions as u32, starts.len() as u32 - 1, count] {
        out.write_all(&number.to_le_bytes())?;
    }
    for start in starts {
        out.write_all(&start.to_le_bytes())?;
    }
    rows(&mut out)?;
    out.terminate()?;
    Ok(())
}

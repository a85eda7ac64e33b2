//! Spreadsheets

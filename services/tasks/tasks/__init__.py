"""Tasks, activities, timeline, reminders and notifications of a company."""
